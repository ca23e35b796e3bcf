//! docs/cpucaps.md.

mod table {
    alt_runtime::cpucaps!("../../cpucaps.toml");
}
use alt_runtime::cap::Enable;
use table::{HW_DBM, PAN, TABLE};

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
            if TABLE.cpu_has(HW_DBM, regs) {
                set_tcr_hd()
            }
        },
    },
];
