//! The cpucaps of Linux: what is known of them, against kernels that ran.

use std::collections::BTreeSet;

use alt_image::caps::Caps;
use alt_image::caps::ids::{self, El2};
use alt_image::names::CapNames;
use alt_runtime::cap::IdRegs;
use test_support::workspace;

/// A kernel that ran.
struct Kernel {
    names: &'static str,
    /// The cpucaps that it had, by CPU model.
    present: &'static str,
    /// The cpucaps that do not depend on ID registers alone, or on no text.
    unknown: &'static [&'static str],
    /// Those for which this version has another list of models, or which its configuration rules out.
    others: &'static [&'static str],
}

const KERNELS: [Kernel; 6] = [
    Kernel {
        names: include_str!("data/names-5.10.txt"),
        present: include_str!("data/present-5.10.txt"),
        unknown: &[
            "HAS_IRQ_PRIO_MASKING",
            "MISMATCHED_CACHE_TYPE",
            "UNMAP_KERNEL_AT_EL0",
            "WORKAROUND_CAVIUM_TX2_219_TVM",
        ],
        // From 5.10.259, the list has 23 models more: those of erratum 4118414.
        others: &["WORKAROUND_REPEAT_TLBI"],
    },
    Kernel {
        names: include_str!("data/names-5.15.txt"),
        present: include_str!("data/present-5.15.txt"),
        unknown: &[
            "HAS_IRQ_PRIO_MASKING",
            "KVM_PROTECTED_MODE",
            "MISMATCHED_CACHE_TYPE",
            "UNMAP_KERNEL_AT_EL0",
            "WORKAROUND_CAVIUM_TX2_219_TVM",
        ],
        // CONFIG_ARM64_PMEM is not set. Later releases have 23 more models on the list of REPEAT_TLBI.
        others: &["HAS_DCPODP", "HAS_DCPOP", "WORKAROUND_REPEAT_TLBI"],
    },
    Kernel {
        names: include_str!("data/names-6.1.txt"),
        present: include_str!("data/present-6.1.txt"),
        unknown: &[
            "HAS_IRQ_PRIO_MASKING",
            "KVM_PROTECTED_MODE",
            "MISMATCHED_CACHE_TYPE",
            "UNMAP_KERNEL_AT_EL0",
            "WORKAROUND_CAVIUM_TX2_219_TVM",
        ],
        // CONFIG_ARM64_SME is not set.
        others: &["SME", "SME_FA64"],
    },
    Kernel {
        names: include_str!("data/names-6.6.txt"),
        present: include_str!("data/present-6.6.txt"),
        unknown: &[
            "HAS_GIC_PRIO_MASKING",
            "HAS_GIC_PRIO_RELAXED_SYNC",
            "HAS_NESTED_VIRT",
            "KVM_HVHE",
            "KVM_PROTECTED_MODE",
            "MISMATCHED_CACHE_TYPE",
            "UNMAP_KERNEL_AT_EL0",
            "WORKAROUND_CAVIUM_TX2_219_TVM",
        ],
        // CONFIG_ARM64_PMEM and CONFIG_ARM64_SME are not set. Later releases have 23 more models on the list
        // of REPEAT_TLBI.
        others: &[
            "HAS_DCPODP",
            "HAS_DCPOP",
            "SME",
            "SME_FA64",
            "WORKAROUND_REPEAT_TLBI",
        ],
    },
    Kernel {
        names: include_str!("data/names-6.12.txt"),
        present: include_str!("data/present-6.12.txt"),
        unknown: &[
            "HAS_GIC_PRIO_MASKING",
            "HAS_GIC_PRIO_RELAXED_SYNC",
            "HAS_HCR_NV1",
            "HAS_NESTED_VIRT",
            "KVM_HVHE",
            "KVM_PROTECTED_MODE",
            "MISMATCHED_CACHE_TYPE",
            "UNMAP_KERNEL_AT_EL0",
            "WORKAROUND_CAVIUM_TX2_219_TVM",
        ],
        others: &["SME", "SME_FA64"],
    },
    Kernel {
        names: include_str!("data/names-7.3.txt"),
        present: include_str!("data/present-7.3.txt"),
        unknown: &[
            "HAS_GICV5_LEGACY",
            "HAS_GIC_PRIO_MASKING",
            "HAS_GIC_PRIO_RELAXED_SYNC",
            "HAS_HCR_NV1",
            "HAS_ICH_HCR_EL2_TDIR",
            "HAS_NESTED_VIRT",
            "KVM_HVHE",
            "KVM_PROTECTED_MODE",
            "MISMATCHED_CACHE_TYPE",
            "MPAM",
            "MPAM_HCR",
            "UNMAP_KERNEL_AT_EL0",
            "WORKAROUND_4311569",
            "WORKAROUND_CAVIUM_TX2_219_TVM",
            "WORKAROUND_GICv3_BROKEN_SEIS",
        ],
        others: &[],
    },
];

fn linux(names: &str) -> Caps {
    Caps::linux(&CapNames::from_linux(names).unwrap()).unwrap()
}

fn unknown(names: &str) -> Vec<&'static str> {
    let caps = linux(names);
    let names: BTreeSet<_> = caps.undecided().iter().map(|cap| cap.name).collect();
    names.into_iter().collect()
}

/// The registers of a machine such as `cortex-a76`, or `cortex-a76 at EL2`.
fn registers(cpu: &str) -> IdRegs {
    let (model, is_at_el2) = match cpu.strip_suffix(" at EL2") {
        Some(model) => (model, true),
        None => (cpu, false),
    };
    let mut machine = ids::builtin(&format!("{model}@10.0")).unwrap();
    if is_at_el2 {
        machine.start_at_el2(El2::Vhe);
    }
    machine.ids
}

#[test]
fn cpus_have_the_cpucaps_of_the_kernel_that_ran_on_them() {
    for kernel in &KERNELS {
        let caps = linux(kernel.names);
        let open: Vec<_> = [kernel.unknown, kernel.others].concat();
        let lines = kernel.present.lines().filter(|line| !line.starts_with('#'));
        let mut models = 0;
        for (cpu, present) in lines.map(|line| line.split_once(": ").unwrap()) {
            let found = caps.detect(&registers(cpu), "").unwrap();
            let found: BTreeSet<&str> = found
                .iter()
                .map(|cap| caps.name(cap.number()).unwrap())
                .filter(|name| !open.contains(name))
                .collect();
            let ran: BTreeSet<&str> = present
                .split(' ')
                .filter(|name| !open.contains(name))
                .collect();
            let here: Vec<_> = found.difference(&ran).collect();
            let there: Vec<_> = ran.difference(&found).collect();
            assert!(
                here.is_empty() && there.is_empty(),
                "{cpu} of {}: only here {here:?}, only there {there:?}",
                kernel.names.lines().next().unwrap()
            );
            models += 1;
        }
        assert_eq!(models, 8);
    }
}

#[test]
fn names_without_a_condition_are_these() {
    for kernel in &KERNELS {
        assert_eq!(unknown(kernel.names), kernel.unknown);
    }
}

#[test]
fn what_is_assumed_replaces_a_condition() {
    let mut caps = linux(KERNELS[0].names);
    let a76 = ids::builtin("cortex-a76@10.0").unwrap().ids;
    let has = |caps: &Caps, name: &str| {
        let number = caps.number(name).unwrap();
        caps.detect(&a76, "").unwrap().contains_number(number)
    };
    let (tlbi, at) = ("WORKAROUND_REPEAT_TLBI", "WORKAROUND_SPECULATIVE_AT");
    assert!(has(&caps, tlbi) && !has(&caps, at));
    let undecided = caps.undecided().len();
    caps.assume(tlbi, false).unwrap();
    caps.assume(at, true).unwrap();
    assert!(!has(&caps, tlbi) && has(&caps, at));
    assert_eq!(caps.undecided().len(), undecided);
    // Once is enough; and there is no such cpucap.
    assert!(caps.assume(tlbi, true).is_err());
    assert!(caps.assume("WORKAROUND_REPEAT_TLB", true).is_err());
    assert!(!has(&caps, tlbi));
}

/// The names in backquotes in a cell of a table.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Each cpucap of Linux that docs/cpucaps-linux.md calls the same as one of the shipped table is
/// present on the same machines.
#[test]
fn the_conditions_are_those_of_the_shipped_table() {
    let read = |path: &str| std::fs::read_to_string(workspace().join(path)).unwrap();
    let text = read("linker/image/cpus/linux.toml");
    let theirs = Caps::from_toml("linux.toml", &text).unwrap();
    let ours = Caps::from_toml("cpucaps.toml", &read("cpucaps.toml")).unwrap();
    let page = read("docs/cpucaps-linux.md");
    let mut pairs = Vec::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, linux, shipped, verdict, _] = cells[..] else {
            continue;
        };
        let (linux, shipped) = (quoted(linux), quoted(shipped));
        if verdict.starts_with("same") && linux.len() == shipped.len() {
            pairs.extend(linux.into_iter().zip(shipped));
        }
    }
    assert!(pairs.len() > 70, "{}", pairs.len());
    let machines = ids::read("qemu.toml", &read("linker/image/cpus/qemu.toml")).unwrap();
    for machine in &machines {
        let has = |caps: &Caps, name: &str| {
            let present = caps.detect(&machine.ids, "").unwrap();
            let number = caps.number(name);
            number.map(|number| present.contains_number(number))
        };
        let (linux, shipped): (Vec<_>, Vec<_>) = pairs
            .iter()
            .map(|(linux, shipped)| ((linux, has(&theirs, linux)), (linux, has(&ours, shipped))))
            .unzip();
        assert_eq!(linux, shipped, "{machine}");
        assert!(
            linux.iter().all(|(_, present)| present.is_some()),
            "{linux:?}"
        );
    }
}
