//! The meter: a pass over a guest image that inserts a fuel counter into its code.
//!
//! The counter is decreased in each iteration of every loop, on entry to every function that is recursive or does
//! much work, by the length of each bulk operation, and for work of the host. When it is below zero, the code calls
//! the import `poll`, and the host decides what happens. Other functions are short and loop-free, and are not
//! charged; their cost is added to the loop or function that calls them. So a unit of fuel stands for a bounded
//! amount of work.
//!
//! The counter is a wasm global, which guest code has no means to address. So even an attacker who controls all of
//! QuickJS cannot avoid it. `build.rs` and the library run this pass on every image before they compile it, so an
//! image cannot opt out.
//!
//! It must never know what an image is for. `build.rs` includes this file.

use std::collections::HashSet;

use super::tuning::FUEL_EXPORT;

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    BlockType, BranchHint, BranchHints, CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection,
    GlobalType, Instruction, Module, SectionId, ValType,
};
use wasmparser::{
    CompositeInnerType, ElementItems, ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef, Validator,
};

/// The most that an iteration or a function entry is charged. Larger bodies are large because they branch: one
/// iteration of the interpreter's loop executes one opcode, of a few thousand instructions for all opcodes.
const MOST_PER_ROUND: u64 = 64;
/// A function whose call costs more than this, without its loops, is charged on entry, like a recursive one.
const MOST_FREE: u64 = 2_000;
/// The cost of an indirect call, in instructions.
const INDIRECT: u64 = 32;
/// The cost of calling an import or growing memory, in instructions that take about as long as the host's work.
const HOST_WORK: u64 = 1_000;
/// A bulk operation of a constant size up to this is charged like a single instruction.
const SMALL_BULK: i32 = 128;

/// Adds the meter to an image.
pub(crate) fn install(wasm: &[u8]) -> Result<Vec<u8>, String> {
    Validator::new().validate_all(wasm).map_err(|error| error.to_string())?;
    let shape = Shape::read(wasm).map_err(|error| error.to_string())??;
    let mut pass = Pass { bodies: Vec::new(), hints: BranchHints::new(), fuel: shape.globals };
    let charges = shape.charges();
    for (index, body) in shape.bodies.iter().enumerate() {
        pass.rewrite(&shape, index, body, charges.get(index)).map_err(|error| error.to_string())?;
    }
    let mut module = Module::new();
    pass.parse_core_module(&mut module, Parser::new(0), wasm).map_err(|error| error.to_string())?;
    Ok(module.finish())
}

/// What the pass must know of an image before it can rewrite the first function.
struct Shape<'a> {
    /// Number of parameters of each function type.
    params: Vec<u32>,
    /// The type of each function that is defined here.
    types: Vec<u32>,
    imports: u32,
    poll: u32,
    globals: u32,
    /// Functions that an indirect call can reach.
    in_table: HashSet<u32>,
    bodies: Vec<FunctionBody<'a>>,
    costs: Vec<Cost>,
}

/// The cost of a function's stretches, which are charged separately: its body outside of loops, then each loop in
/// order of appearance.
#[derive(Default)]
struct Cost {
    stretches: Vec<Stretch>,
    is_indirect: bool,
}

#[derive(Default)]
struct Stretch {
    instructions: u64,
    calls: Vec<u32>,
}

/// The charges of one function: on entry, if at all, and per iteration of each loop.
#[derive(Clone, Default)]
struct Charges {
    entry: Option<u64>,
    loops: Vec<u64>,
}

impl<'a> Shape<'a> {
    fn read(wasm: &'a [u8]) -> wasmparser::Result<Result<Shape<'a>, String>> {
        let mut shape = Shape {
            params: Vec::new(),
            types: Vec::new(),
            imports: 0,
            poll: 0,
            globals: 0,
            in_table: HashSet::new(),
            bodies: Vec::new(),
            costs: Vec::new(),
        };
        let mut poll = None;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(types) => {
                    for group in types {
                        for ty in group?.into_types() {
                            shape.params.push(match &ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => u32::try_from(ty.params().len()).unwrap_or(u32::MAX),
                                _ => 0,
                            });
                        }
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        match import.ty {
                            TypeRef::Func(ty) => {
                                if (import.module, import.name) == ("belljar", "poll")
                                    && shape.params.get(ty as usize) == Some(&0)
                                {
                                    poll = Some(shape.imports);
                                }
                                shape.imports += 1;
                            }
                            TypeRef::Global(_) => shape.globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(functions) => {
                    for ty in functions {
                        shape.types.push(ty?);
                    }
                }
                Payload::GlobalSection(globals) => shape.globals += globals.count(),
                Payload::ExportSection(exports) => {
                    for export in exports {
                        if export?.name == FUEL_EXPORT {
                            return Ok(Err(format!("it exports {FUEL_EXPORT:?}, which is the meter's")));
                        }
                    }
                }
                Payload::ElementSection(elements) => {
                    for element in elements {
                        match element?.items {
                            ElementItems::Functions(functions) => {
                                for function in functions {
                                    shape.in_table.insert(function?);
                                }
                            }
                            ElementItems::Expressions(_, expressions) => {
                                for expression in expressions {
                                    for operator in expression?.get_operators_reader() {
                                        if let Operator::RefFunc { function_index } = operator? {
                                            shape.in_table.insert(function_index);
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    shape.costs.push(Cost::of(&body)?);
                    shape.bodies.push(body);
                }
                _ => {}
            }
        }
        // An indirect call of an import could not be distinguished from one of the guest's functions, so it would not
        // be charged as host work.
        if shape.in_table.iter().any(|&function| function < shape.imports) {
            return Ok(Err("a table of it holds an import".into()));
        }
        match poll {
            Some(poll) => {
                shape.poll = poll;
                Ok(Ok(shape))
            }
            None => Ok(Err("it does not import belljar.poll, which the meter calls".into())),
        }
    }

    /// Computes which functions are charged on entry, and the charge of every loop.
    fn charges(&self) -> Vec<Charges> {
        let Graph { on_cycle, callees_first } = self.graph();
        let mut pays: Vec<bool> = on_cycle;
        // What a call adds to the cost of its caller: 1 if the callee is charged on entry.
        let mut cost_of_call = vec![1_u64; self.costs.len()];
        let total = |stretch: &Stretch, cost_of_call: &[u64]| {
            let callee = |&callee: &u32| self.defined(callee).and_then(|index| cost_of_call.get(index)).copied();
            stretch.calls.iter().map(|call| callee(call).unwrap_or(1)).fold(stretch.instructions, u64::saturating_add)
        };
        for function in callees_first {
            let (Some(cost), Some(pays)) = (self.costs.get(function), pays.get_mut(function)) else { continue };
            let sum = cost.stretches.first().map_or(1, |stretch| total(stretch, &cost_of_call));
            // Calls multiply: without this, a chain of functions that each call the next one twice could do an hour
            // of uncharged work.
            *pays |= sum > MOST_FREE;
            if let (false, Some(slot)) = (*pays, cost_of_call.get_mut(function)) {
                *slot = sum;
            }
        }
        let charges = self.costs.iter().zip(&pays).map(|(cost, &pays)| {
            let mut prices =
                cost.stretches.iter().map(|stretch| total(stretch, &cost_of_call).clamp(1, MOST_PER_ROUND));
            let entry = prices.next().filter(|_| pays);
            Charges { entry, loops: prices.collect() }
        });
        charges.collect()
    }

    fn defined(&self, function: u32) -> Option<usize> {
        function.checked_sub(self.imports).map(|index| index as usize)
    }

    /// The call graph. An indirect call may reach every function in a table; the table is an additional node after
    /// the functions.
    fn graph(&self) -> Graph {
        let table = self.costs.len();
        graph(table + 1, |node| {
            if node == table {
                return self.in_table.iter().filter_map(|&function| self.defined(function)).collect();
            }
            let Some(cost) = self.costs.get(node) else { return Vec::new() };
            let calls = cost.stretches.iter().flat_map(|stretch| &stretch.calls);
            let mut to: Vec<usize> = calls.filter_map(|&callee| self.defined(callee)).collect();
            if cost.is_indirect {
                to.push(table);
            }
            to
        })
    }
}

/// Which functions are recursive, and all functions in an order with callees before their callers.
struct Graph {
    on_cycle: Vec<bool>,
    callees_first: Vec<usize>,
}

/// Tarjan's algorithm, without recursion.
fn graph(count: usize, edges: impl Fn(usize) -> Vec<usize>) -> Graph {
    const NEW: usize = usize::MAX;
    let (mut order, mut low) = (vec![NEW; count], vec![NEW; count]);
    let (mut is_open, mut on_cycle) = (vec![false; count], vec![false; count]);
    let (mut open, mut next) = (Vec::new(), 0);
    let mut callees_first = Vec::with_capacity(count);
    for root in 0..count {
        if order[root] != NEW {
            continue;
        }
        let mut work = vec![(root, None::<std::vec::IntoIter<usize>>)];
        while let Some((node, rest)) = work.last_mut() {
            let node = *node;
            let rest = rest.get_or_insert_with(|| {
                (order[node], low[node], next) = (next, next, next + 1);
                is_open[node] = true;
                open.push(node);
                let to = edges(node);
                on_cycle[node] |= to.contains(&node);
                to.into_iter()
            });
            if let Some(to) = rest.next() {
                if order[to] == NEW {
                    work.push((to, None));
                } else if is_open[to] {
                    low[node] = low[node].min(order[to]);
                }
                continue;
            }
            work.pop();
            if let Some((above, _)) = work.last() {
                low[*above] = low[*above].min(low[node]);
            }
            if low[node] == order[node] {
                let from = open.iter().rposition(|&other| other == node).unwrap_or(0);
                let members = open.split_off(from);
                for &member in &members {
                    is_open[member] = false;
                    on_cycle[member] |= members.len() > 1;
                }
                callees_first.extend(members);
            }
        }
    }
    Graph { on_cycle, callees_first }
}

impl Cost {
    fn of(body: &FunctionBody<'_>) -> wasmparser::Result<Cost> {
        let mut cost = Cost { stretches: vec![Stretch::default()], is_indirect: false };
        // The stretch of every open block; a loop opens a new one.
        let mut open = vec![0];
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            let current = open.last().copied().unwrap_or(0);
            if let Some(stretch) = cost.stretches.get_mut(current) {
                stretch.instructions += 1;
                match operator {
                    Operator::Call { function_index } => stretch.calls.push(function_index),
                    Operator::CallIndirect { .. } => stretch.instructions += INDIRECT,
                    _ => {}
                }
            }
            match operator {
                Operator::Loop { .. } => {
                    open.push(cost.stretches.len());
                    cost.stretches.push(Stretch::default());
                }
                Operator::Block { .. } | Operator::If { .. } => open.push(current),
                Operator::End => drop(open.pop()),
                Operator::CallIndirect { .. } => cost.is_indirect = true,
                _ => {}
            }
        }
        Ok(cost)
    }
}

/// The rewriting itself.
struct Pass {
    bodies: Vec<Function>,
    hints: BranchHints,
    fuel: u32,
}

/// The two additional locals of a metered function.
struct Locals {
    left: u32,
    length: u32,
}

impl Pass {
    fn rewrite(
        &mut self,
        shape: &Shape<'_>,
        index: usize,
        body: &FunctionBody<'_>,
        charges: Option<&Charges>,
    ) -> Result<(), reencode::Error> {
        let mut locals: Vec<(u32, ValType)> = Vec::new();
        let mut count = shape.types.get(index).and_then(|&ty| shape.params.get(ty as usize)).copied().unwrap_or(0);
        for local in body.get_locals_reader()? {
            let (more, ty) = local?;
            locals.push((more, self.val_type(ty)?));
            count = count.saturating_add(more);
        }
        let own = Locals { left: count, length: count + 1 };
        locals.extend([(1, ValType::I64), (1, ValType::I32)]);
        let mut function = Function::new(locals);
        let mut hints = Vec::new();
        let charges = charges.cloned().unwrap_or_default();
        if let Some(price) = charges.entry {
            self.charge(&mut function, &own, price, shape.poll, &mut hints);
        }
        let mut loops = charges.loops.into_iter();
        let mut small = false;
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            let is_bulk = matches!(operator, Operator::MemoryFill { .. } | Operator::MemoryCopy { .. }) && !small;
            small = matches!(operator, Operator::I32Const { value } if (0..=SMALL_BULK).contains(&value));
            let is_loop = matches!(operator, Operator::Loop { .. });
            let is_host_work = match operator {
                Operator::Call { function_index } => function_index < shape.imports,
                Operator::MemoryGrow { .. } => true,
                _ => false,
            };
            if is_host_work {
                self.charge_host_work(&mut function);
            }
            if is_bulk {
                self.charge_by_length(&mut function, &own);
            }
            function.instruction(&self.instruction(operator)?);
            if is_bulk || is_host_work {
                function.instruction(&Instruction::GlobalGet(self.fuel));
                Pass::ask_if_negative(&mut function, shape.poll, &mut hints);
            }
            if is_loop {
                self.charge(&mut function, &own, loops.next().unwrap_or(1), shape.poll, &mut hints);
            }
        }
        self.bodies.push(function);
        let function = shape.imports + u32::try_from(index).unwrap_or(u32::MAX);
        if !hints.is_empty() {
            self.hints.function_hints(function, hints);
        }
        Ok(())
    }

    fn charge(&self, function: &mut Function, own: &Locals, price: u64, poll: u32, hints: &mut Vec<BranchHint>) {
        function
            .instruction(&Instruction::GlobalGet(self.fuel))
            .instruction(&Instruction::I64Const(price.cast_signed()))
            .instruction(&Instruction::I64Sub)
            .instruction(&Instruction::LocalTee(own.left))
            .instruction(&Instruction::GlobalSet(self.fuel))
            .instruction(&Instruction::LocalGet(own.left));
        Pass::ask_if_negative(function, poll, hints);
    }

    fn charge_host_work(&self, function: &mut Function) {
        function
            .instruction(&Instruction::GlobalGet(self.fuel))
            .instruction(&Instruction::I64Const(HOST_WORK.cast_signed()))
            .instruction(&Instruction::I64Sub)
            .instruction(&Instruction::GlobalSet(self.fuel));
    }

    fn charge_by_length(&self, function: &mut Function, own: &Locals) {
        function
            .instruction(&Instruction::LocalTee(own.length))
            .instruction(&Instruction::GlobalGet(self.fuel))
            .instruction(&Instruction::LocalGet(own.length))
            .instruction(&Instruction::I64ExtendI32U)
            .instruction(&Instruction::I64Sub)
            .instruction(&Instruction::GlobalSet(self.fuel));
    }

    /// Calls the host when the counter on the stack is negative. The branch hint keeps the call out of the hot path.
    fn ask_if_negative(function: &mut Function, poll: u32, hints: &mut Vec<BranchHint>) {
        function.instruction(&Instruction::I64Const(0)).instruction(&Instruction::I64LtS);
        let offset = u32::try_from(function.byte_len()).unwrap_or(u32::MAX);
        hints.push(BranchHint { branch_func_offset: offset, branch_hint_value: 0 });
        function
            .instruction(&Instruction::If(BlockType::Empty))
            .instruction(&Instruction::Call(poll))
            .instruction(&Instruction::Drop)
            .instruction(&Instruction::End);
    }
}

impl Reencode for Pass {
    type Error = std::convert::Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        reencode::utils::parse_global_section(self, globals, section)?;
        let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i64_const(0));
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        for export in section {
            let export = export?;
            debug_assert!(!matches!(export.kind, ExternalKind::Tag), "the image has no exceptions");
            self.parse_export(exports, export)?;
        }
        exports.export(FUEL_EXPORT, ExportKind::Global, self.fuel);
        Ok(())
    }

    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), reencode::Error> {
        if before == Some(SectionId::Code) {
            module.section(&self.hints);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        _: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        for function in &self.bodies {
            code.function(function);
        }
        Ok(())
    }
}
