//! docs/cpucaps.md.

mod table {
    alt_runtime::cpucaps!("../../cpucaps.toml");
}
use alt_runtime::cap::Enable;
use alt_runtime::cap::idregs::fields::ID_AA64MMFR1_EL1::HAFDBS;
use table::{HW_DBM, PAN};

fn clear_sctlr_span() {}
fn set_tcr_hd() {}

static HOOKS: &[Enable] = &[
    Enable {
        cap: PAN,
        run: |_| clear_sctlr_span(),
    },
    Enable {
        cap: HW_DBM,
        run: |regs| {
            if regs.field(&HAFDBS) >= 2 {
                set_tcr_hd()
            }
        },
    },
];
