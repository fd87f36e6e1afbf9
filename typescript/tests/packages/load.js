// Loads modules that import each other from texts, as far as the packages of this test need it. `sources` has the text
// of each file by its path.
const load = (sources, entry) => {
  const loaded = {};
  const find = (folder, name) => {
    const parts = [...folder];
    for (const part of name.split("/")) part === ".." ? parts.pop() : part === "." || parts.push(part);
    const path = parts.join("/");
    const ends = ["", ".ts", ".js", "/index.ts", "/index.js"].flatMap(end => [path + end, path.replace(/\.js$/, ".ts") + end]);
    const found = ends.find(end => end in sources);
    if (!found) throw new Error(`there is no ${name} in ${folder.join("/")}`);
    return found;
  };
  const names = list => list.replace(/\/\/.*/g, "").split(",").map(name => name.trim()).filter(Boolean).map(name => name.split(/\s+as\s+/));
  const run = path => {
    if (path in loaded) return loaded[path];
    const exports = (loaded[path] = {});
    const provide = [];
    const give = (name, as = name) => provide.push(`Object.defineProperty(exports, "${as}", { enumerable: true, configurable: true, get: () => ${name} });`);
    const body = sources[path]
      .replace(/^import\s+(?!["'{*])([\w$]+)\s*,?/gm, (_, name) => `const { default: ${name} } = __FROM; import `)
      .replace(/^((?:const \{ default: [\w$]+ \} = )__FROM; )?import\s*(?:\*\s*as\s+([\w$]+)|\{([^}]*)\})?\s*(?:from\s*)?(["'][^"']+["'])/gm, (_, first, star, list, from) =>
        (first ?? "").replace("__FROM", `require(${from})`) +
        (star ? `const ${star} = require(${from})` : `const { ${names(list ?? "").map(([name, as]) => (as ? `${name}: ${as}` : name))} } = require(${from})`))
      .replace(/^export\s*\*\s*from\s*(["'][^"']+["'])/gm, "Object.assign(exports, require($1))")
      .replace(/^export\s*\{([^}]*)\}\s*from\s*(["'][^"']+["'])/gm, (_, list, from) =>
        names(list).map(([name, as]) => `exports.${as ?? name} = require(${from}).${name}`).join("; "))
      .replace(/^export\s*\{([^}]*)\}/gm, (_, list) => (names(list).forEach(([name, as]) => give(name, as)), ""))
      .replace(/^export\s+default\s+((?:async\s+)?(?:function\*?|class)\s+([\w$]+))/gm, (_, rest, name) => (give(name, "default"), rest))
      .replace(/^export\s+default\s+/gm, "exports.default = ")
      .replace(/^export\s+((?:(?:async\s+)?function\*?|class|const|let|var)\s+([\w$]+))/gm, (_, rest, name) => (give(name), rest));
    const require = name => run(find(path.split("/").slice(0, -1), name));
    new Function("exports", "require", `"use strict"; ${provide.join("")} ${body}`)(exports, require);
    return exports;
  };
  return run(entry);
};
globalThis.process = { env: { NODE_ENV: "production" } };
globalThis.crypto = {};
globalThis.setTimeout = () => {};
host.on("load", ([sources, entry, use]) => new Function("lib", `return ${use}`)(load(sources, entry)));
