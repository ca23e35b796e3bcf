//! Each thing that can be wrong with unwind tables, as far as the assembler has a directive for it.

use alt_runtime::record::{AlternativeRecord, BranchRecord, Condition};
use alt_runtime::region::Table;
use alt_runtime::shadow_call_stack::{UnwindError, UnwindReason};

use crate::fixture::Image;
use test_support::Cross;
use test_support::signing::SOURCE;

/// The error of a plan for `source`.
fn refused(cross: &Cross, name: &str, source: &str) -> (Image, UnwindError) {
    let image = Image::new(cross, name, source);
    let error = image.plan().unwrap_err();
    (image, error)
}

/// A function that signs and authenticates, with `directives` at its start and `more` at its end.
fn function(name: &str, directives: &str, more: &str) -> String {
    format!(
        ".text\n.globl {name}\n.type {name}, %function\n{name}:\n.cfi_startproc\n{directives}\n\
         sign\n.cfi_negate_ra_state\nauthenticate\n.cfi_negate_ra_state\nret\n{more}\n\
         .cfi_endproc\n.size {name}, . - {name}\n"
    )
}

/// Where a CIE with this augmentation is.
fn cie(image: &Image, augmentation: &[u8]) -> u64 {
    let mut heads = image.eh_frame.1.windows(9 + augmentation.len());
    let at = heads.position(|head| head[4..9] == [0, 0, 0, 0, 1] && head[9..] == *augmentation);
    at.unwrap() as u64
}

#[test]
fn other_kinds_of_cie() {
    let test = "other_kinds_of_cie";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let good = function("outer", "", "");
    let cases: [(&str, &[u8], UnwindReason); 4] = [
        (".cfi_b_key_frame", b"zRB\0", UnwindReason::Augmentation),
        (".cfi_signal_frame", b"zRS\0", UnwindReason::Augmentation),
        (
            ".cfi_lsda 0x1b, outer",
            b"zLR\0",
            UnwindReason::Augmentation,
        ),
        (
            ".cfi_return_column 29",
            b"zR\0\x01\x7c\x1d",
            UnwindReason::ReturnAddress { register: 29 },
        ),
    ];
    for (directive, augmentation, reason) in cases {
        let bad = function("other", directive, "");
        let (image, error) = refused(&cross, test, &format!("{good}{bad}"));
        let expected = UnwindError {
            entry: cie(&image, augmentation),
            function: None,
            reason,
        };
        assert_eq!(
            (error, error.linux_code()),
            (expected, Some(1)),
            "{directive}"
        );
    }
}

#[test]
fn instructions_that_are_not_supported() {
    let test = "instructions_that_are_not_supported";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let good = function("outer", "", "");
    let cases = [
        // DW_CFA_AARCH64_negate_ra_state_with_pc: PACIASPPC.
        ("0x2c", UnwindReason::Opcode { opcode: 0x2c }),
        ("0x3f", UnwindReason::Opcode { opcode: 0x3f }),
        // DW_CFA_set_loc.
        ("0x01, 0, 0, 0, 0", UnwindReason::Opcode { opcode: 1 }),
        // DW_CFA_advance_loc4, after the function and far after it.
        ("0x04, 4, 0, 0, 0", UnwindReason::Place),
        ("0x04, 0xff, 0xff, 0xff, 0xff", UnwindReason::Place),
        // DW_CFA_def_cfa_expression, longer than the entry.
        ("0x0f, 0xff, 0x7f", UnwindReason::Program),
    ];
    for (bytes, reason) in cases {
        let bad = function("other", "", &format!(".cfi_escape {bytes}"));
        // Code 4 for an alignment factor of 1 byte, as LLVM has it.
        let (image, error) = refused(&cross, test, &format!("{good}{bad}"));
        let expected = UnwindError {
            entry: image.entry("other") as u64,
            function: Some(image.function("other").start),
            reason,
        };
        assert_eq!((error, error.linux_code()), (expected, Some(4)), "{bytes}");
    }
}

#[test]
fn mark_where_no_instruction_is() {
    let test = "mark_where_no_instruction_is";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    // DW_CFA_advance_loc, by a byte: all marks after it are beside their instructions.
    let source = function("outer", ".cfi_escape 0x41", "");
    let (_, error) = refused(&cross, test, &source);
    assert_eq!(
        (error.reason, error.linux_code()),
        (UnwindReason::Place, Some(4))
    );
}

#[test]
fn epilogue_without_marks() {
    let test = "epilogue_without_marks";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    // As without -fasynchronous-unwind-tables.
    for (more, stray) in [("authenticate\nret", 12), ("ret\nsign", 16)] {
        let source = function("outer", "", more);
        let (image, error) = refused(&cross, test, &source);
        let start = image.function("outer").start;
        let expected = UnwindError {
            entry: image.entry("outer") as u64,
            function: Some(start),
            reason: UnwindReason::Unmarked {
                address: start + stray,
            },
        };
        assert_eq!((error, error.linux_code()), (expected, None));
    }
    // Code without any mark signs, and would not pop.
    let source = ".globl outer\nouter:\n.cfi_startproc\nsign\nauthenticate\nret\n.cfi_endproc\n";
    let (writes, report) = Image::new(&cross, test, source).plan().unwrap();
    assert_eq!((writes, report.unmarked), (vec![], 1));
    let text = "0 sites rewritten, 0 were so already; 1 functions, 0 of them excluded, 1 sign \
                without a mark and are unchanged";
    assert_eq!(report.to_string(), text);
}

/// Only the start is described, and the mark is after the prologue: clang -Oz.
#[test]
fn mark_behind_the_prologue() {
    let test = "mark_behind_the_prologue";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let source = ".globl outer\n.type outer, %function\nouter:\n.cfi_startproc\nsign\n\
                  stp x29, x30, [sp, #-16]!\n.cfi_negate_ra_state\nldp x29, x30, [sp], #16\n\
                  authenticate\nret\n.cfi_endproc\n.size outer, . - outer\n";
    let (image, error) = refused(&cross, test, source);
    let address = image.function("outer").start;
    assert_eq!(error.reason, UnwindReason::Unmarked { address });
}

/// GCC for -march=armv8.3-a: PACIASP at the start, RETAA at the end.
#[test]
fn functions_that_return_by_retaa() {
    let test = "functions_that_return_by_retaa";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    // RETAA, RETAB.
    for word in ["0xd65f0bff", "0xd65f0fff"] {
        let source = format!(
            ".globl outer\n.type outer, %function\nouter:\n.cfi_startproc\nsign\n\
             .cfi_negate_ra_state\nnop\n.inst {word}\n.cfi_endproc\n.size outer, . - outer\n"
        );
        let (image, error) = refused(&cross, test, &source);
        let address = image.function("outer").start + 8;
        let reason = UnwindReason::AuthenticatedReturn { address };
        assert_eq!((error.reason, error.linux_code()), (reason, None));
    }
}

/// The tables say at each instruction whether the return address is signed: it is not at a RET.
#[test]
fn paths_that_would_push_and_not_pop() {
    let test = "paths_that_would_push_and_not_pop";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let source = |restore: &str| {
        format!(
            ".globl outer\n.type outer, %function\nouter:\n.cfi_startproc\nsign\n\
             .cfi_negate_ra_state\ncbz x0, 1f\n.cfi_remember_state\nauthenticate\n\
             .cfi_negate_ra_state\nret\n1: {restore}\nret\n.cfi_endproc\n.size outer, . - outer\n"
        )
    };
    let (image, error) = refused(&cross, test, &source(".cfi_restore_state\nnop"));
    let address = image.function("outer").start + 20;
    let reason = UnwindReason::SignedReturn { address };
    assert_eq!((error.reason, error.linux_code()), (reason, None));
    let good = source(".cfi_restore_state\nauthenticate\n.cfi_negate_ra_state");
    let (writes, _) = Image::new(&cross, test, &good).plan().unwrap();
    assert_eq!(writes.len(), 3);
}

/// States that are restored and not remembered, and remembered without end.
#[test]
fn states_without_end() {
    let test = "states_without_end";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let remember = "0x0a, ".repeat(64) + "0x0a";
    for bytes in ["0x0b", &remember] {
        let source = function("outer", "", &format!(".cfi_escape {bytes}"));
        let (_, error) = refused(&cross, test, &source);
        assert_eq!(
            (error.reason, error.linux_code()),
            (UnwindReason::Program, Some(4))
        );
    }
}

#[test]
fn functions_that_are_not_inside() {
    let test = "functions_that_are_not_inside";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let image = Image::new(&cross, test, SOURCE);
    // All of one function that is outside, and halves of one that is inside.
    let outer = image.function("outer");
    let halves = [
        outer.start + 4..outer.end,
        outer.start..outer.end - 4,
        outer.start + 4..outer.start + 8,
        outer.start - 4..outer.start + 4,
    ];
    let halves = halves.map(|half| ("outer", vec![image.hypervisor(), half]));
    for (name, excluded) in [("hypervisor", vec![])].into_iter().chain(halves) {
        let function = image.function(name);
        let error = image.plan_for(&image.region(), &excluded, 64);
        let error = error.unwrap_err();
        let expected = UnwindError {
            entry: image.entry(name) as u64,
            function: Some(function.start),
            reason: UnwindReason::Outside {
                len: function.end - function.start,
            },
        };
        assert_eq!(
            (error, error.linux_code()),
            (expected, Some(2)),
            "{excluded:x?}"
        );
    }
}

#[test]
fn two_entries_for_one_instruction() {
    let test = "two_entries_for_one_instruction";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let source = format!("{}{}", function("outer", "", ""), function("twin", "", ""));
    let mut image = Image::new(&cross, test, &source);
    let (outer, twin) = (image.function("outer").start, image.function("twin").start);
    let entry = image.entry("twin");
    let place = image.eh_frame.0 + entry as u64 + 8;
    let from = (outer as i64 - place as i64) as i32;
    assert_ne!(outer, twin);
    image.eh_frame.1[entry + 8..entry + 12].copy_from_slice(&from.to_le_bytes());
    let error = image.plan().unwrap_err();
    let expected = UnwindError {
        entry: entry as u64,
        function: Some(outer),
        reason: UnwindReason::Twice { address: outer },
    };
    assert_eq!((error, error.linux_code()), (expected, None));
}

#[test]
fn sites_of_alternatives() {
    let test = "sites_of_alternatives";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let image = Image::new(&cross, test, SOURCE);
    let inner = image.function("inner").start;
    let tables = image.text.0;
    let branch = |site: u64| BranchRecord {
        site: (site - tables) as i32,
        condition: Condition::from_bits(0),
        displacement: 1,
    };
    let record = |site: u64, site_len: u8| AlternativeRecord {
        site: (site - tables) as i32,
        replacement: 0,
        condition: Condition::from_bits(0),
        site_len,
        replacement_len: 1,
    };
    // The first word of the function signs; a branch before or after it has no effect.
    let plan = |branches: &[BranchRecord], alternatives: &[AlternativeRecord]| {
        let mut region = image.region();
        region.branches = Table::new(tables, branches);
        region.alternatives = Table::new(tables, alternatives);
        image.plan_for(&region, &[image.hypervisor()], 64)
    };
    let error = |site| UnwindError {
        entry: image.entry("inner") as u64,
        function: Some(inner),
        reason: UnwindReason::InAlternative {
            address: inner,
            site,
        },
    };
    assert_eq!(plan(&[branch(inner)], &[]).unwrap_err(), error(inner));
    assert_eq!(plan(&[], &[record(inner, 1)]).unwrap_err(), error(inner));
    assert_eq!(
        plan(&[], &[record(inner - 8, 3)]).unwrap_err(),
        error(inner - 8)
    );
    // Not aligned: the pass refuses it, but may not have run yet.
    let error_of_half = error(inner + 2);
    assert_eq!(
        plan(&[], &[record(inner + 2, 1)]).unwrap_err(),
        error_of_half
    );
    assert_eq!(error(inner).linux_code(), None);
    for (at, len) in [(inner - 8, 2), (inner + 4, 3), (inner, 0)] {
        let (writes, _) = plan(&[branch(inner + 4)], &[record(at, len)]).unwrap();
        assert_eq!(writes.len(), 10, "{at:#x}, {len}");
    }
}

#[test]
fn too_little_room() {
    let test = "too_little_room";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let image = Image::new(&cross, test, SOURCE);
    let plan = |room| image.plan_for(&image.region(), &[image.hypervisor()], room);
    // outer has two sites, inner three.
    for (room, first) in [
        (0, "outer"),
        (1, "outer"),
        (2, "inner"),
        (4, "inner"),
        (9, "long"),
    ] {
        let expected = UnwindError {
            entry: image.entry(first) as u64,
            function: Some(image.function(first).start),
            reason: UnwindReason::RoomTooSmall { room, needed: 10 },
        };
        assert_eq!(plan(room).unwrap_err(), expected);
    }
    assert_eq!(plan(10).unwrap().0.len(), 10);
}

#[test]
fn errors_say_where_and_which() {
    let error = |entry, function, reason| UnwindError {
        entry,
        function,
        reason,
    };
    for (error, text) in [
        (
            error(0x18, None, UnwindReason::Cie),
            ".eh_frame+0x18: it is a CIE that cannot be read (Linux's code 1)",
        ),
        (
            error(
                0x30,
                Some(0x4020_0000),
                UnwindReason::Opcode { opcode: 0x2c },
            ),
            ".eh_frame+0x30, function 0x40200000: the opcode 0x2c is not supported (Linux's code 4)",
        ),
        (
            error(
                0x30,
                Some(0x4020_0000),
                UnwindReason::Twice {
                    address: 0x4020_0004,
                },
            ),
            ".eh_frame+0x30, function 0x40200000: another entry marks the instruction at 0x40200004, too",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
