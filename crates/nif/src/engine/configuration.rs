//! The bounds of the engine, as the application configures them.

use std::{fs, thread};

use rustler::{Decoder, NifResult, Term};

use crate::atoms;

/// What is taken for the machine's memory where the system does not tell.
const UNKNOWN_MEMORY: usize = 4 << 30;

/// The bounds of the engine.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// Threads that take turns, at most.
    pub(super) threads: usize,
    /// Turns that were abandoned and are stuck, at which nothing new begins.
    pub(super) abandoned_turns: usize,
    /// Bytes that all runs together hold, at which nothing new begins.
    pub(super) metered_bytes: usize,
}

impl<'a> Decoder<'a> for Configuration {
    /// A map of `:max_threads` and, each with `nil` for the default, `:max_abandoned_turns` and `:max_metered_bytes`.
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let abandoned_turns: Option<usize> = term.map_get(atoms::max_abandoned_turns())?.decode()?;
        let metered_bytes: Option<usize> = term.map_get(atoms::max_metered_bytes())?.decode()?;
        Ok(Self {
            threads: term.map_get(atoms::max_threads())?.decode()?,
            // With one core, one operation that nobody can stop would keep all others from beginning.
            abandoned_turns: abandoned_turns
                .unwrap_or_else(|| thread::available_parallelism().map_or(2, |cores| cores.get().max(2))),
            metered_bytes: metered_bytes.unwrap_or_else(|| memory() / 2),
        })
    }
}

/// The memory that this process may use: the machine's, or what the control group leaves of it.
fn memory() -> usize {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| machine_memory(&text))
        .unwrap_or(UNKNOWN_MEMORY);
    [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
    .iter()
    .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
    .fold(machine, usize::min)
}

/// The total in the text of `/proc/meminfo`.
fn machine_memory(text: &str) -> Option<usize> {
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: usize = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::{machine_memory, memory};

    #[test]
    fn the_machines_memory_is_what_the_system_says() {
        let text = "MemTotal:       24684092 kB\nMemFree:        20572720 kB\n";
        assert_eq!(machine_memory(text), Some(24_684_092 << 10));
        assert_eq!(machine_memory("MemFree: 1 kB"), None);
        assert_eq!(machine_memory("MemTotal: lots"), None);
    }

    #[test]
    fn this_machine_has_some_memory() {
        assert!(memory() > 64 << 20);
    }
}
