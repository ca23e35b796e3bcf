//! A check: a decision between two paths.
//!
//! Every function decides and then sets a register. The instructions that only set the register are
//! subtracted.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

use alt_runtime::cpu_has_cap;
use static_keys::{define_static_key_false, static_branch_unlikely};

use crate::counter::{Counted, count};
use flat_guest::print;

/// The cpucaps of the tests and the demo.
pub mod cpucaps {
    alt_runtime::cpucaps!("../../cpucaps.toml");
}
use cpucaps::LSE;

static FLAG: AtomicBool = AtomicBool::new(false);
/// As in the crate `cpufeatures`: 0 no, 1 yes, 255 not detected yet.
static CACHED: AtomicU8 = AtomicU8::new(u8::MAX);
static FUNCTION: AtomicPtr<()> = AtomicPtr::new(no as *mut ());
define_static_key_false!(KEY);

extern "C" fn yes(way: &mut u64) {
    set::<1>(way);
}

extern "C" fn no(way: &mut u64) {
    set::<2>(way);
}

/// One instruction, which the compiler cannot merge with that of the other way.
#[inline(always)]
fn set<const WAY: u64>(way: &mut u64) {
    // SAFETY: stores a number.
    unsafe {
        asm!("str {n}, [{way}]", n = in(reg) WAY, way = in(reg) way, options(nostack));
    }
}

macro_rules! check {
    ($name:ident, $condition:expr) => {
        extern "C" fn $name(way: &mut u64) {
            if $condition { yes(way) } else { no(way) }
        }
    };
}

check!(likely, cpu_has_cap!(likely LSE));
check!(unlikely, cpu_has_cap!(unlikely LSE));
check!(key, static_branch_unlikely!(KEY));
check!(flag, FLAG.load(Ordering::Relaxed));
check!(cached, detected());

/// Like the expansion of `cpufeatures::new!`: detects once, then loads.
#[inline(always)]
fn detected() -> bool {
    #[cold]
    #[inline(never)]
    fn ask() -> bool {
        let has = FLAG.load(Ordering::Relaxed);
        CACHED.store(has.into(), Ordering::Relaxed);
        has
    }
    match CACHED.load(Ordering::Relaxed) {
        u8::MAX => ask(),
        has => has == 1,
    }
}

extern "C" fn pointer(way: &mut u64) {
    let function = FUNCTION.load(Ordering::Relaxed);
    // SAFETY: only `yes` and `no` are ever stored there.
    let function: Counted<u64> = unsafe { core::mem::transmute(function) };
    function(way)
}

const CHECKS: [(&str, Counted<u64>); 6] = [
    ("cpu_has_cap!(likely)", likely),
    ("cpu_has_cap!(unlikely)", unlikely),
    ("static-keys", key),
    ("AtomicBool", flag),
    ("cpufeatures-style", cached),
    ("function pointer", pointer),
];

/// Counts all checks while the feature is absent.
pub fn before() {
    measure(2);
}

/// Makes the feature present, if this CPU has LSE, and counts again.
pub fn after(patched: bool) {
    if !patched {
        return;
    }
    FLAG.store(true, Ordering::Relaxed);
    CACHED.store(u8::MAX, Ordering::Relaxed);
    FUNCTION.store(yes as *mut (), Ordering::Relaxed);
    // SAFETY: one CPU; the text is writable; the branches of this function go forward,
    // which is all that static-keys encodes rightly. It does no cache maintenance, so
    // this holds on the emulator only.
    unsafe {
        static_keys::global_init();
        KEY.enable();
    }
    measure(1);
}

fn measure(expected: u64) {
    // The first call of `cached` detects.
    cached(&mut 0);
    let mut way = 0;
    let answer = if expected == 1 { "yes" } else { "no" };
    let base = count(if expected == 1 { yes } else { no }, &mut way);
    for (name, check) in CHECKS {
        way = 0;
        let instructions = count(check, &mut way) - base;
        assert_eq!(way, expected, "{name} gave the wrong answer");
        print(format_args!("check {name} | {answer} {instructions}"));
    }
}
