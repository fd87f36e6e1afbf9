//! Describes the machine of a measurement; `benches/peers` includes this file too.

/// The machine in one line, for the head of a table.
pub(crate) fn description() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let information = read("/proc/cpuinfo");
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = format!("{} {}", std::env::consts::OS, kernel.trim().split('-').next().unwrap_or_default());
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let today = std::process::Command::new("date").arg("+%F").output();
    let today = today.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!(
        "belljar {}, {today}, {processors} cores of {model}, {kernel}, load at the start {load}",
        env!("CARGO_PKG_VERSION")
    )
}
