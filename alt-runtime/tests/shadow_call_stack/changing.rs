//! Text that is written while the plan is made, against the contract.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use alt_runtime::insn::Insn;
use alt_runtime::region::{Region, Table, Words};
use alt_runtime::shadow_call_stack::{SIGN, ShadowPlan, UnwindInfo, UnwindReason};

const ROUNDS: u32 = if cfg!(miri) { 30 } else { 20_000 };

/// One function at 0x1000 of two instructions, the first one marked; the table is at 0x2000.
#[rustfmt::skip]
const EH_FRAME: [u8; 44] = [
    16, 0, 0, 0, 0, 0, 0, 0, 1, b'z', b'R', 0, 1, 0x78, 30, 1, 0x1b, 12, 31, 0,
    20, 0, 0, 0, 24, 0, 0, 0, 0xe4, 0xef, 0xff, 0xff, 8, 0, 0, 0, 0, 0x44, 0x2d, 0, 0, 0, 0, 0,
];

/// The plan never has more writes than room, though the table is walked again for the error.
#[test]
fn plan_stays_inside_its_room() {
    let text = [AtomicU32::new(SIGN.0), AtomicU32::new(0x1400_0000)];
    let region = Region {
        text: Words::new(0x1000, &text).into(),
        branches: Table::new(0, &[]),
        alternatives: Table::new(0, &[]),
        replacements: Words::new(0, &[]),
        callbacks: Table::new(0, &[]),
    };
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                for word in [Insn::NOP, SIGN] {
                    text[0].store(word.0, Ordering::Relaxed);
                    thread::yield_now();
                }
            }
        });
        let mut most = 0;
        for _ in 0..ROUNDS {
            let unwind = UnwindInfo::new(0x2000, &EH_FRAME);
            match ShadowPlan::new(&region, unwind, &[], &mut []) {
                Ok(plan) => most = most.max(plan.writes().len()),
                Err(why) => assert_eq!(
                    why.reason,
                    UnwindReason::RoomTooSmall { room: 0, needed: 1 }
                ),
            }
        }
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(most, 0);
    });
}
