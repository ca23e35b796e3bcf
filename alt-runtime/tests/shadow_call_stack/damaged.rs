//! Unwind tables with changed bytes, which no assembler makes.

use alt_runtime::shadow_call_stack::{UnwindError, UnwindReason};

use crate::fixture::Image;
use test_support::Cross;
use test_support::signing::SOURCE;

/// A change of bytes at an offset, and what comes of it: where and why.
type Damage = (
    usize,
    Vec<u8>,
    (usize, Option<u64>, UnwindReason),
    Option<u8>,
);

#[test]
fn changed_bytes() {
    let test = "changed_bytes";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let good = Image::new(&cross, test, SOURCE);
    let text_len = 4 * good.text.1.len() as u64;
    let (inner, start) = (good.entry("inner"), good.function("inner").start);
    let bytes = &good.eh_frame.1;
    let end = inner + 4 + usize::from(bytes[inner]);
    let last = good.entry("hypervisor_leaf");
    // A CIE: length, 0, version, "zR\0", both alignment factors, the register, 1, the encoding.
    assert_eq!(bytes[4..17], *b"\0\0\0\0\x01zR\0\x01\x7c\x1e\x01\x1b");
    let inner_is = |reason| (inner, Some(start), reason);
    let inner_damaged = (inner, None, UnwindReason::Damaged);
    let cie_is = |reason| (0, None, reason);
    let outside = |len| inner_is(UnwindReason::Outside { len });
    let shift = |by: i64| {
        let place = good.eh_frame.0 + inner as u64 + 8;
        ((start as i64 - place as i64 + by) as i32)
            .to_le_bytes()
            .to_vec()
    };
    let cases: Vec<Damage> = vec![
        (8, vec![2], cie_is(UnwindReason::Cie), Some(1)),
        (8, vec![4], cie_is(UnwindReason::Cie), Some(1)),
        // A length of augmentation data beyond the end.
        (15, vec![0x7f], cie_is(UnwindReason::Cie), Some(1)),
        (
            9,
            b"eh\0".to_vec(),
            cie_is(UnwindReason::Augmentation),
            Some(1),
        ),
        (
            9,
            b"zRR".to_vec(),
            cie_is(UnwindReason::Augmentation),
            Some(1),
        ),
        (
            14,
            vec![31],
            cie_is(UnwindReason::ReturnAddress { register: 31 }),
            Some(1),
        ),
        // sdata8, absolute, indirect.
        (
            16,
            vec![0x1a],
            cie_is(UnwindReason::PointerEncoding { encoding: 0x1a }),
            Some(2),
        ),
        (
            16,
            vec![0x00],
            cie_is(UnwindReason::PointerEncoding { encoding: 0x00 }),
            Some(2),
        ),
        (
            16,
            vec![0x9b],
            cie_is(UnwindReason::PointerEncoding { encoding: 0x9b }),
            Some(2),
        ),
        // A mark, and a step, that hold for all functions.
        (17, vec![0x2d, 0, 0], cie_is(UnwindReason::Place), Some(4)),
        (17, vec![0x44, 0, 0], cie_is(UnwindReason::Place), Some(4)),
        (
            17,
            vec![0x3e, 0, 0],
            cie_is(UnwindReason::Opcode { opcode: 0x3e }),
            Some(4),
        ),
        // Longer than the text, and of a negative length.
        (
            inner + 12,
            (text_len as u32).to_le_bytes().to_vec(),
            outside(text_len),
            Some(2),
        ),
        (
            inner + 12,
            vec![0xfc, 0xff, 0xff, 0xff],
            outside(-4_i64 as u64),
            Some(2),
        ),
        // No augmentation data is there; and 0 in two bytes.
        (
            inner + 16,
            vec![1],
            inner_is(UnwindReason::AugmentationData),
            Some(3),
        ),
        (
            inner + 16,
            vec![0x80],
            inner_is(UnwindReason::AugmentationData),
            Some(3),
        ),
        // The last byte is the first of DW_CFA_advance_loc1, and of DW_CFA_offset.
        (
            end - 1,
            vec![0x02],
            inner_is(UnwindReason::Program),
            Some(4),
        ),
        (
            end - 1,
            vec![0x9d],
            inner_is(UnwindReason::Program),
            Some(4),
        ),
        // Lengths: beyond the end, too short for anything, for an address, and 64 bits.
        (inner, vec![0xff, 0xff, 0, 0], inner_damaged, None),
        (inner, vec![3], inner_damaged, None),
        (inner, vec![12], inner_damaged, None),
        (inner, vec![0xff, 0xff, 0xff, 0xff], inner_damaged, None),
        // The terminator in the middle of the table.
        (
            inner,
            vec![0, 0, 0, 0],
            (inner, None, UnwindReason::BehindEnd),
            None,
        ),
        // Its CIE would be before the section; or is no CIE.
        (inner + 4, vec![0, 0, 1, 0], inner_damaged, None),
        (
            inner + 4,
            vec![4],
            (inner, None, UnwindReason::Augmentation),
            Some(1),
        ),
        // The very last entry.
        (last, vec![0xff], (last, None, UnwindReason::Damaged), None),
    ];
    for (at, change, (entry, function, reason), code) in cases {
        let mut image = good.clone();
        image.eh_frame.1[at..at + change.len()].copy_from_slice(&change);
        let entry = entry as u64;
        let expected = UnwindError {
            entry,
            function,
            reason,
        };
        let error = image.plan().unwrap_err();
        assert_eq!(
            (error, error.linux_code()),
            (expected, code),
            "{at:#x}: {change:x?}"
        );
    }
    // The function is elsewhere: 8 bytes before the text, or not at an instruction.
    for by in [good.text.0 as i64 - 8 - start as i64, 2] {
        let mut image = good.clone();
        image.eh_frame.1[inner + 8..inner + 12].copy_from_slice(&shift(by));
        let len = good.function("inner").end - start;
        let error = image.plan().unwrap_err();
        let function = Some(start.wrapping_add_signed(by));
        assert_eq!(
            (error.function, error.reason),
            (function, UnwindReason::Outside { len })
        );
    }
    // What is left in the place of the terminator is no entry.
    let mut image = good.clone();
    let end = image.eh_frame.1.len() - 4;
    assert_eq!(image.eh_frame.1.split_off(end), [0; 4]);
    image.eh_frame.1.extend([0, 1]);
    let error = image.plan().unwrap_err();
    assert_eq!(
        (error.entry, error.reason),
        (end as u64, UnwindReason::Damaged)
    );
    // Padding is no damage, nor is a terminator.
    for zeros in [1, 4, 12] {
        let mut image = good.clone();
        image.eh_frame.1.extend(vec![0; zeros]);
        assert_eq!(image.plan(), good.plan());
    }
}
