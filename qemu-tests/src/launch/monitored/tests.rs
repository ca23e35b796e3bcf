//! The monitor against guests of a few instructions: each state of a line, each kind of
//! violation, each way to store.
//!
//! The words are those of GNU as for the text beside them. The MMU is off, so the code is its own
//! alias; it writes words at 0x100, and executes them there.

use super::*;
use crate::observe::{Fault, Missing, Operation};
use crate::{Machine, skip};
use alt_cpu::Register;
use test_support::TinyElf;

/// Puts `mov w5, #2` in place of `mov w5, #1`.
const STORE: &[u32] = &[
    0xd2a8_0403, // mov x3, #0x40200000
    0x52aa_5004, // mov w4, #0x52800000
    0x7280_08a4, // movk w4, #0x45
    0xb901_0064, // str w4, [x3, #0x100]
    0x9104_0066, // add x6, x3, #0x100
];
const CVAU: &[u32] = &[0xd50b_7b26]; // dc cvau, x6
const CIVAC: &[u32] = &[0xd50b_7e26]; // dc civac, x6
const IVAU: &[u32] = &[0xd50b_7526]; // ic ivau, x6
const IALLU: &[u32] = &[0xd508_751f]; // ic iallu
const IALLUIS: &[u32] = &[0xd508_711f]; // ic ialluis
const NOWHERE: &[u32] = &[0xd2ff_ffe6]; // mov x6, #0xffff000000000000
const CALL: &[u32] = &[0xd63f_00c0]; // blr x6
const OFF: &[u32] = &[
    0x52b0_8000, // mov w0, #0x84000000
    0x7280_0100, // movk w0, #8
    0xd400_0002, // hvc #0
];
/// The words at 0x100.
const TARGET: [u32; 2] = [
    0x5280_0025, // mov w5, #1
    0xd65f_03c0, // ret
];

fn run(parts: &[&[u32]], monitor: Monitor) -> Result<Observation> {
    let mut words = parts.concat();
    assert!(words.len() <= 64);
    words.resize(64, 0);
    words.extend(TARGET);
    let (_folder, path) = TinyElf::new(&words).write();
    let image = Image::open(&path)?;
    // Its instruction cache is PIPT, so that IC IVAU by one address suffices.
    let launch = Launch::new(&image, Machine::new("cortex-a57"));
    let qemu = Qemu::find()?;
    Ok(launch.under_monitor(monitor).run(&qemu)?.seen)
}

/// The place and the kind.
fn found(parts: &[&[u32]]) -> Vec<(u64, Fault)> {
    let seen = run(parts, Monitor::new()).unwrap();
    assert_eq!(seen.found, seen.violations.len() as u64);
    let violations = seen.violations.iter();
    violations
        .map(|found| (found.address, found.fault))
        .collect()
}

#[test]
fn each_order_of_maintenance_has_its_verdict() {
    if skip::without_guests("each_order_of_maintenance_has_its_verdict") {
        return;
    }
    let target = TinyElf::TEXT + 0x100;
    let cases: [(&[&[u32]], _); 8] = [
        (&[], Some(Missing::CleanAndInvalidate)),
        (&[CVAU], Some(Missing::Invalidate)),
        (&[IVAU], Some(Missing::Clean)),
        (&[IVAU, CVAU], Some(Missing::InvalidateAfterClean)),
        (&[CVAU, IVAU], None),
        (&[CIVAC, IALLU], None),
        (&[CVAU, IALLUIS], None),
        (&[IALLUIS, CVAU, IVAU], None),
    ];
    for (steps, missing) in cases {
        let parts = [&[STORE], steps, &[CALL, OFF]].concat();
        let expected: Vec<_> = missing
            .map(|missing| (target, Fault::Executed(missing)))
            .into_iter()
            .collect();
        assert_eq!(found(&parts), expected, "{steps:x?}");
    }
}

#[test]
fn what_is_not_executed_is_found_in_the_end() {
    if skip::without_guests("what_is_not_executed_is_found_in_the_end") {
        return;
    }
    let left = |at, missing| vec![(TinyElf::TEXT + at, Fault::Left(missing))];
    let expected = left(0x100, Missing::CleanAndInvalidate);
    assert_eq!(found(&[STORE, OFF]), expected);
    let expected = left(0x100, Missing::Invalidate);
    assert_eq!(found(&[STORE, CVAU, OFF]), expected);

    // Stores of other kinds; each is found where it begins, once by line.
    let stores: [(&[u32], &[u64]); 3] = [
        // mov x0, #0x300000; msr cpacr_el1, x0; isb; str q0, [x3, #0x130]
        (
            &[0xd2a0_0600, 0xd518_1040, 0xd503_3fdf, 0x3d80_4c60],
            &[0x130],
        ),
        (&[0xa913_9064], &[0x138, 0x140]), // stp x4, x4, [x3, #0x138]: two lines
        // add x6, x3, #0x148; dc zva, x6: the block around it
        (&[0x9105_2066, 0xd50b_7426], &[0x140]),
    ];
    for (store, at) in stores {
        let expected: Vec<_> = at
            .iter()
            .flat_map(|at| left(*at, Missing::CleanAndInvalidate))
            .collect();
        assert_eq!(found(&[&STORE[..1], store, OFF]), expected, "{store:x?}");
    }
}

#[test]
fn maintenance_of_what_is_not_mapped_is_found() {
    if skip::without_guests("maintenance_of_what_is_not_mapped_is_found") {
        return;
    }
    let expected = [(0xffff_0000_0000_0000, Fault::Unmapped)];
    for operation in [CVAU, CIVAC, IVAU] {
        assert_eq!(found(&[NOWHERE, operation, OFF]), expected);
    }
}

#[test]
fn operations_are_counted_by_kind() {
    if skip::without_guests("operations_are_counted_by_kind") {
        return;
    }
    let parts = [
        STORE, CVAU, CVAU, CIVAC, IVAU, IVAU, IVAU, IALLU, IALLUIS, OFF,
    ];
    let seen = run(&parts, Monitor::new()).unwrap();
    for (operation, count) in [
        (Operation::CleanToUnification, 2),
        (Operation::CleanInvalidate, 1),
        (Operation::InstructionLine, 3),
        (Operation::InstructionAll, 1),
        (Operation::InstructionAllShared, 1),
        (Operation::Clean, 0),
    ] {
        assert_eq!(seen.count(0, operation), count, "{operation:?}");
        assert_eq!(seen.total(operation), count, "{operation:?}");
        assert_eq!(seen.count(1, operation), 0, "{operation:?}");
    }
    assert_eq!(seen.stores[0], 1);
}

/// CTR_EL0 of the CPU decides the maintenance that it needs, and the size of a line.
#[test]
fn cache_type_is_the_one_that_the_guest_reads() {
    if skip::without_guests("cache_type_is_the_one_that_the_guest_reads") {
        return;
    }
    let faults = |ctr: u64, parts: &[&[u32]]| {
        let monitor = Monitor::new().register(0, Register::CTR_EL0, ctr);
        let seen = run(parts, monitor).unwrap();
        let faults = seen.violations.iter();
        faults.map(|found| found.fault).collect::<Vec<_>>()
    };
    let executed = |missing| vec![Fault::Executed(missing)];
    let (idc, dic) = (0x9444_c004, 0xb444_c004);
    assert_eq!(
        faults(idc, &[STORE, CALL, OFF]),
        executed(Missing::Invalidate)
    );
    assert_eq!(faults(idc, &[STORE, IVAU, CALL, OFF]), []);
    assert_eq!(faults(dic, &[STORE, CALL, OFF]), []);
    // add x6, x3, #0x130: in one line of 64 bytes with 0x100, and not in one of 16.
    let (near, back): (&[u32], &[u32]) = (&[0x9104_c066], &[0x9104_0066]);
    let parts = [STORE, near, CVAU, IVAU, back, CALL, OFF];
    assert_eq!(faults(0x8444_c004, &parts), []);
    let small = faults(0x8442_c002, &parts);
    assert_eq!(small, executed(Missing::CleanAndInvalidate));
    // VIPT: an invalidation by address does not suffice.
    let by_address = [STORE, CVAU, IVAU, CALL, OFF];
    assert_eq!(faults(0x8444_c004, &by_address), []);
    assert_eq!(
        faults(0x8444_8004, &by_address),
        executed(Missing::Invalidate)
    );
    assert_eq!(faults(0x8444_8004, &[STORE, CVAU, IALLUIS, CALL, OFF]), []);
    // mrs x0, ctr_el0; str w0, [x3, #0x100]: the word is not executed, so this is the only violation.
    let read: &[u32] = &[0xd53b_0020, 0xb901_0060];
    let words = [&STORE[..1], read, OFF].concat();
    let (_folder, path) = TinyElf::new(&words).write();
    let image = Image::open(&path).unwrap();
    let monitor = Monitor::new().register(0, Register::CTR_EL0, 0x8442_8002);
    let launch = Launch::new(&image, Machine::new("cortex-a53")).under_monitor(monitor);
    let run = launch.run(&Qemu::find().unwrap()).unwrap();
    assert_eq!(run.after.word(TinyElf::TEXT + 0x100).unwrap(), 0x8442_8002);
}

#[test]
fn what_the_monitor_cannot_do_is_an_error() {
    if skip::without_guests("what_the_monitor_cannot_do_is_an_error") {
        return;
    }
    let problem = |parts: &[&[u32]], monitor| match run(parts, monitor) {
        Err(Error::Monitor { problem }) => problem,
        other => panic!("{other:?}"),
    };
    // mov x3, #0x4e000000; ldr w0, [x3]: the monitor's own memory
    let peek: &[u32] = &[0xd2a9_c003, 0xb940_0060];
    let said = problem(&[peek, OFF], Monitor::new());
    assert!(
        said.starts_with("the guest accessed memory that it does not have"),
        "{said}"
    );
    assert!(said.contains("tiny::entry+0x4"), "{said}");

    for (cpu, register) in [(0, Register::DCZID_EL0), (8, Register::CTR_EL0)] {
        let said = problem(&[OFF], Monitor::new().register(cpu, register, 0));
        assert!(said.contains("cannot be another"), "{said}");
    }
    let many = (0..257).fold(Monitor::new(), |monitor, _| {
        monitor.register(0, Register::CTR_EL0, 0x8444_8004)
    });
    assert!(problem(&[OFF], many).contains("more than 256"));
}
