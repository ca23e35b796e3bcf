//! The configuration by the host: the text to watch, and ID registers that CPUs do not have.

use el2_monitor::layout::{self, CONFIG, Config, Override, Reason};

/// The configuration that the host wrote to memory.
pub fn config() -> Result<&'static Config, Reason> {
    // SAFETY: only the host writes it, before the first instruction.
    let config = unsafe { &*(CONFIG as *const Config) };
    let counts = [
        (config.text_count, config.texts.len()),
        (config.override_count, config.overrides.len()),
    ];
    let fits = counts.iter().all(|(count, room)| *count <= *room as u64);
    if config.magic == layout::MAGIC && fits {
        Ok(config)
    } else {
        Err(Reason::Config)
    }
}

/// Whether the loader has put text at an address.
pub fn is_text(address: u64) -> bool {
    let texts = config().map_or(&[][..], |config| {
        &config.texts[..config.text_count as usize]
    });
    texts
        .iter()
        .any(|&[start, end]| (start..end).contains(&address))
}

/// The ID registers of CPU number `cpu` that are not its own.
pub fn overrides(cpu: usize) -> impl Iterator<Item = &'static Override> {
    let all = config().map_or(&[][..], |config| {
        &config.overrides[..config.override_count as usize]
    });
    all.iter().filter(move |entry| entry.cpu as usize == cpu)
}

/// The value that the guest reads from an ID register of CPU number `cpu`, if it is not the CPU's
/// own.
pub fn override_of(cpu: usize, register: u32) -> Option<u64> {
    overrides(cpu)
        .find(|entry| entry.register == register)
        .map(|entry| entry.value)
}
