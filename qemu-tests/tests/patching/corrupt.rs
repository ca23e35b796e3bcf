//! Corrupt tables at boot: refused by name, no word written, and the kernel runs
//! on unpatched.

use qemu_tests::facts::{self, Fact};
use qemu_tests::sites::{self, SiteKind};
use qemu_tests::{Image, Launch, Machine, Profile, Status, compare};
use tempfile::TempDir;

use crate::{Result, kernel, qemu};

/// One way to spoil an image.
pub struct Fault {
    pub name: &'static str,
    /// Spoils the table of alternatives or the replacements.
    spoil: fn(&mut Tables),
    /// What the error must say.
    says: &'static str,
}

/// The bytes that a fault changes, and which record it is about.
struct Tables {
    /// `alt_records`, 12 bytes each.
    records: Vec<u8>,
    replacements: Vec<u8>,
    /// Byte offset of the first LSE record.
    victim: usize,
    /// Byte offset of the first record that names a callback.
    callback: usize,
    /// Byte offset of its replacement's first word.
    words: usize,
}

impl Tables {
    /// Adds to the site offset of the victim.
    fn move_site(&mut self, by: i32) {
        let field = &mut self.records[self.victim..self.victim + 4];
        let site = i32::from_le_bytes(field.try_into().expect("4 bytes")) + by;
        field.copy_from_slice(&site.to_le_bytes());
    }

    fn set_word(&mut self, word: u32) {
        self.replacements[self.words..self.words + 4].copy_from_slice(&word.to_le_bytes());
    }
}

pub const FAULTS: [Fault; 11] = [
    Fault {
        name: "misaligned_site",
        spoil: |tables| tables.move_site(2),
        says: "the site is not 4-byte aligned",
    },
    Fault {
        name: "site_out_of_range",
        spoil: |tables| tables.move_site(0x0800_0000),
        says: "instructions is not inside the text",
    },
    Fault {
        name: "overlapping_sites",
        // The length of the victim reaches over the site after it.
        spoil: |tables| tables.records[tables.victim + 10] = 255,
        says: "the site overlaps the one at",
    },
    Fault {
        name: "unknown_cap",
        spoil: |tables| tables.records[tables.victim + 8..][..2].copy_from_slice(&[0xff, 0x1f]),
        says: "there is no such cpucap",
    },
    Fault {
        name: "zero_length",
        spoil: |tables| tables.records[tables.victim + 11] = 0,
        says: "has no instructions",
    },
    Fault {
        name: "literal_load_in_replacement",
        spoil: |tables| tables.set_word(0x5800_0020), // ldr x0, .+4
        says: "among the replacements, which are freed after boot",
    },
    Fault {
        name: "branch_out_of_reach",
        spoil: |tables| tables.set_word(0x5480_0000), // b.eq .-1048576, and the site is after
        says: "b.cond needs a displacement of",
    },
    Fault {
        name: "test_branch_out_of_reach",
        spoil: |tables| tables.set_word(0x3604_0000), // tbz w0, #0, .-32768
        says: "tbz needs a displacement of",
    },
    Fault {
        name: "long_branch_out_of_reach",
        spoil: |tables| tables.set_word(0x1600_0000), // b .-134217728
        says: "b needs a displacement of",
    },
    Fault {
        name: "unregistered_callback",
        // Half a callback on.
        spoil: |tables| tables.records[tables.callback + 4] ^= 8,
        says: "is not one of the callbacks",
    },
    Fault {
        name: "replacement_outside",
        spoil: |tables| {
            let past = tables.replacements.len() as i32 + 0x10_0000;
            tables.records[tables.victim + 4..][..4].copy_from_slice(&past.to_le_bytes());
        },
        says: "is inside neither the replacements nor the text",
    },
];

/// Spoils the demo's image and boots it where LSE applies, and where it does not.
pub fn is_refused(fault: &Fault) -> Result<()> {
    let image = kernel(Profile::Release)?;
    let folder = TempDir::new()?;
    let spoiled = spoil(&image, fault, &folder)?;
    is_refused_on("cortex-a76", &spoiled, fault)?;
    is_refused_on("cortex-a53", &spoiled, fault)
}

fn is_refused_on(cpu: &str, spoiled: &Image, fault: &Fault) -> Result<()> {
    let run = Launch::new(spoiled, Machine::new(cpu)).run(qemu()?)?;

    let facts: Vec<_> = facts::read(&run.log).collect();
    let errors: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::PatchError(text) => Some(*text),
            _ => None,
        })
        .collect();
    let [error] = errors[..] else {
        return Err(format!("expected one patch-error: {:?}", run.log).into());
    };
    let named = if fault.name == "unknown_cap" {
        "cap unknown (8191)"
    } else {
        "cap "
    };
    if !(error.starts_with("site 0x") && error.contains(named) && error.contains(fault.says)) {
        return Err(format!("the error does not name site, cap and reason: {error}").into());
    }
    if run.outcome.status != Status::Failed {
        return Err(format!("the kernel does not tell: {:?}", run.outcome).into());
    }
    let changed = compare::changed_text(spoiled, &run.before, &run.after)?;
    if !changed.is_empty() {
        return Err(format!("words written in spite of the error: {changed:x?}").into());
    }
    let checks: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Check(check) => Some(*check),
            _ => None,
        })
        .collect();
    let after = checks.iter().filter(|check| check.phase == "after").count();
    if after < 10 || checks.iter().any(|check| check.failure.is_some()) {
        return Err(format!("the kernel does not run on: {checks:?}").into());
    }
    Ok(())
}

/// A copy of the image with the fault in it.
fn spoil(image: &Image, fault: &Fault, folder: &TempDir) -> Result<Image> {
    let lse = crate::caps::names()
        .iter()
        .position(|name| *name == "LSE")
        .ok_or("no LSE")?;
    let records = image
        .section(sites::ALTERNATIVES)
        .ok_or("no alternatives")?;
    let replacements = image.section("alt_replacements").ok_or("no replacements")?;
    let all = sites::read(image)?;
    let alternatives = all
        .iter()
        .filter(|record| !matches!(record.kind, SiteKind::Branch { .. }));
    let (index, victim) = alternatives
        .enumerate()
        .find(|(_, record)| usize::from(record.condition.cap) == lse)
        .ok_or("no LSE site")?;
    let SiteKind::Alternative { replacement, .. } = victim.kind else {
        return Err("not an alternative".into());
    };
    let callback = all
        .iter()
        .filter(|record| !matches!(record.kind, SiteKind::Branch { .. }))
        .position(|record| matches!(record.kind, SiteKind::Callback { .. }))
        .ok_or("no callback")?;
    let mut tables = Tables {
        records: records.bytes.clone(),
        replacements: replacements.bytes.clone(),
        victim: 12 * index,
        callback: 12 * callback,
        words: (replacement - replacements.range.start) as usize,
    };
    (fault.spoil)(&mut tables);

    let mut file = image.file().to_vec();
    for (section, bytes) in [
        (records, &tables.records),
        (replacements, &tables.replacements),
    ] {
        // The bytes of a section stand once in the file.
        let at = file
            .windows(section.bytes.len())
            .position(|window| window == section.bytes);
        let at = at.ok_or("the section is not in the file")?;
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }
    let path = folder.path().join("kernel-demo");
    std::fs::write(&path, file)?;
    Ok(Image::open(&path)?)
}
