//! Landing pads and signed return addresses.

use alt_diagnostic::Severity;
use alt_image::disasm::instruction;

use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "landing-pad-lost",
        severity: Severity::Error,
        formats: ANY,
        summary: "With every arm, a BTI accepts the same branches as the default.",
        advice: "Begin the site after the BTI, or the arm with the same BTI.",
        check: landing_pads,
    },
    Rule {
        id: "signing-changed",
        severity: Severity::Warning,
        formats: ANY,
        summary: "No arm changes an instruction that signs, authenticates or strips the return address.",
        advice: "Keep it out of sites, or change every PACIASP and AUTIASP of the function consistently.",
        check: signing,
    },
];

/// The branches that an instruction accepts as their target on a guarded page: by call, by jump
/// (Arm ARM C6.2, BTI). BRK and HLT stop there in any case.
fn accepts(word: u32) -> Option<(bool, bool)> {
    Some(match word {
        BTI_C | PACIASP | PACIBSP | PACIASPPC | PACIBSPPC => (true, false),
        BTI_J => (false, true),
        BTI_JC => (true, true),
        _ if [0xd420_0000, 0xd440_0000].contains(&(word & 0xffe0_001f)) => (true, true),
        _ => return None,
    })
}

const BTI_C: u32 = 0xd503_245f;
const BTI_J: u32 = 0xd503_249f;
const BTI_JC: u32 = 0xd503_24df;
const PACIASP: u32 = 0xd503_233f;
const PACIBSP: u32 = 0xd503_237f;
const PACIASPPC: u32 = 0xdac1_a3fe;
const PACIBSPPC: u32 = 0xdac1_a7fe;

fn landing_pads(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for arm in &context.arms {
        for (at, old, new) in arm.changes() {
            if ![BTI_C, BTI_J, BTI_JC].contains(&old) {
                continue;
            }
            let (call, jump) = accepts(old).unwrap_or_default();
            let (calls, jumps) = accepts(new).unwrap_or_default();
            if (call && !calls) || (jump && !jumps) {
                let by = match (call && !calls, jump && !jumps) {
                    (true, true) => "BLR and BR",
                    (true, false) => "BLR",
                    _ => "BR",
                };
                let old = instruction(old, at);
                let new = instruction(new, at);
                let text = format!("`{old}` becomes `{new}`, which is not a target for {by}");
                reporter.report_cap(at, arm.cap, text);
            }
        }
    }
}

/// Whether an instruction signs, authenticates or strips a return address: PACIASP, AUTIASP, RETAA, ….
fn is_signing(word: u32) -> bool {
    // HINT #24 to #31: PACIAZ, PACIASP, PACIBZ, PACIBSP, AUTIAZ, AUTIASP, AUTIBZ, AUTIBSP; and
    // HINT #7: XPACLRI.
    word & 0xffff_ff1f == 0xd503_231f
        || word == 0xd503_20ff
        // RETAA, RETAB
        || word & 0xffff_fbff == 0xd65f_0bff
        // PACIASPPC, PACIBSPPC; AUTIASPPC, AUTIBSPPC
        || word & 0xffff_fbff == PACIASPPC
        || word & 0xff80_001f == 0xf380_001f
}

fn signing(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for arm in &context.arms {
        for (at, old, new) in arm.changes() {
            if is_signing(old) && old != new {
                let pad = match accepts(old).is_some() && accepts(new).is_none() {
                    true => ", and is not a landing pad any more",
                    false => "",
                };
                let old = instruction(old, at);
                let new = instruction(new, at);
                let text = format!("`{old}` becomes `{new}`{pad}");
                reporter.report_cap(at, arm.cap, text);
            }
        }
    }
}
