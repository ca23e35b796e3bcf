//! Patchers with one step left out or wrong, to test that the observers notice.
//!
//! A mutant is a copy of an image in which some instructions of the patching routine are replaced.
//! The source of the patcher is not changed. Each instruction is found by its pattern; if the
//! routine has changed and the pattern is not found, there is an error instead of a mutant.

mod judge;
mod routine;
mod sequence;
mod system;
mod words;

pub use judge::{Verdict, real};
pub use sequence::sequence;
pub use system::unequal_caches;

use crate::observe::Monitor;
use crate::{Image, Machine, MutantError};
use routine::Routine;
use std::fmt;
use std::{fs, path::Path};
use system::System;
use tempfile::TempDir;
use words::*;

/// An observer that may notice a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Observer {
    /// The [monitor at EL2](crate::observe): cache maintenance, while the kernel runs.
    Monitor,
    /// The coherence plugin: barriers as well, while the kernel runs; QEMU with plugin API 4.
    Plugin,
    /// [`sequence`]: the order of the instructions in the file.
    Sequence,
    /// The kernel's own checks, among them a pass through a wrong alias.
    Kernel,
}

impl fmt::Display for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Monitor => "monitor",
            Self::Plugin => "plugin",
            Self::Sequence => "sequence",
            Self::Kernel => "kernel",
        })
    }
}

/// One change to the patcher.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// The name on the command line: `dc-left-out`.
    pub name: &'static str,
    /// Description of the change.
    pub what: &'static str,
    /// Those that must notice, each by itself.
    pub observers: &'static [Observer],
    system: System,
    spoil: Spoil,
}

type Spoil = fn(&Image) -> Result<Routine<'_>, MutantError>;

/// A changed copy of an image. Its file is deleted when this value is dropped.
#[derive(Debug)]
pub struct Spoilt {
    image: Image,
    _folder: TempDir,
}

impl Spoilt {
    /// The copy.
    pub fn image(&self) -> &Image {
        &self.image
    }
}

impl Mutant {
    /// The bytes of the changed image's file.
    ///
    /// # Errors
    /// The routine has no instruction that this mutant changes.
    pub fn apply(&self, image: &Image) -> Result<Vec<u8>, MutantError> {
        (self.spoil)(image)?.file()
    }

    /// The same as an image that can be launched.
    ///
    /// # Errors
    /// As for [`apply`](Self::apply); [`MutantError::Copy`] if the file cannot be written.
    pub fn spoil(&self, image: &Image) -> Result<Spoilt, MutantError> {
        let bytes = self.apply(image)?;
        let copy = |problem: &dyn std::fmt::Display| MutantError::Copy(problem.to_string());
        let folder = TempDir::new().map_err(|why| copy(&why))?;
        let name = image.path().file_name().unwrap_or("image".as_ref());
        let path = folder.path().join(Path::new(name));
        fs::write(&path, bytes).map_err(|why| copy(&why))?;
        let image = Image::open(&path).map_err(|why| copy(&why))?;
        Ok(Spoilt {
            image,
            _folder: folder,
        })
    }

    /// A machine on which the mutant matters.
    pub fn machine(&self) -> Machine {
        self.system.machine()
    }

    /// The configuration of the monitor.
    pub fn monitor(&self) -> Monitor {
        self.system.monitor()
    }
}

const MONITOR: &[Observer] = &[Observer::Monitor, Observer::Plugin];
const MONITOR_ALONE: &[Observer] = &[Observer::Monitor];
const ALL_THREE: &[Observer] = &[Observer::Monitor, Observer::Plugin, Observer::Sequence];
const STATIC: &[Observer] = &[Observer::Sequence];
const KERNEL: &[Observer] = &[Observer::Kernel];
const BARRIER: &[Observer] = &[Observer::Plugin, Observer::Sequence];

/// All mutants.
pub fn all() -> &'static [Mutant] {
    const fn mutant(
        name: &'static str,
        what: &'static str,
        observers: &'static [Observer],
        spoil: Spoil,
    ) -> Mutant {
        Mutant {
            name,
            what,
            observers,
            system: System::Plain,
            spoil,
        }
    }
    const ALL: &[Mutant] = &[
        mutant(
            "no-read-back",
            "no comparison of a word with what was written",
            KERNEL,
            |image| {
                let mut routine = Routine::find(image, COMMIT)?;
                routine.set_all(READ_BACK, 0x6b0c_019f)?; // cmp w12, w12
                Ok(routine)
            },
        ),
        mutant(
            "no-restore",
            "the old words are not restored if one does not read back",
            KERNEL,
            |image| {
                let mut routine = Routine::find(image, COMMIT)?;
                // After the two loops of four stores each.
                let restore = routine.nth(STORE, 0, 8)?;
                routine.set(restore, NOP);
                Ok(routine)
            },
        ),
        mutant("no-dc", "no DC", ALL_THREE, |image| {
            let mut routine = Routine::find(image, COMMIT)?;
            routine.set_all(DC_CVAU, NOP)?;
            routine.set_all(DC_CIVAC, NOP)?;
            Ok(routine)
        }),
        mutant("dc-next-line", "DC of the next line", MONITOR, |image| {
            let mut routine = Routine::find(image, COMMIT)?;
            // With all bits of the line added, every word but a line's first is in the next.
            routine.set_all(TO_LINE, 0x8b05_016d)?; // add x13, x11, x5
            Ok(routine)
        }),
        mutant(
            "dc-offset",
            "DC of the offset in place of the address",
            MONITOR,
            |image| {
                let mut routine = Routine::find(image, COMMIT)?;
                routine.set_all(TO_LINE, 0xcb04_016d)?; // sub x13, x11, x4
                Ok(routine)
            },
        ),
        mutant(
            "dc-first-line",
            "DC of only the first line of a site that spans two",
            MONITOR,
            |image| {
                let mut routine = Routine::find(image, COMMIT)?;
                // X13 and X15 keep a word, and all up to a line after it count to its line.
                const KEEP: u32 = 0xaa0b_03ef; // mov x15, x11
                const CLEAN: u32 = DC_CVAU.bits | 15;
                let first = routine.nth(FIRST_LINE, 0, 0)?;
                let last = routine.nth(DC_CVAU, 0, 4)?;
                routine.set(first, KEEP);
                routine.set_all(COUNT_LINE, CLEAN)?;
                routine.set_all(DC_CVAU, KEEP)?;
                routine.set_all(TO_LINE, 0xaa0b_03ed)?; // mov x13, x11
                routine.set_all(SAME_LINE, 0xcb0d_0170)?; // sub x16, x11, x13
                routine.set(last, CLEAN);
                Ok(routine)
            },
        ),
        mutant(
            "no-first-dsb",
            "no DSB between DC and IC",
            BARRIER,
            |image| {
                let mut routine = Routine::find(image, COMMIT)?;
                let clean = routine.nth(DC_CVAU, 0, 0)?;
                let barrier = routine.nth(DSB_ISH, clean, 0)?;
                routine.set(barrier, NOP);
                Ok(routine)
            },
        ),
        mutant("no-ic", "no IC", ALL_THREE, |image| {
            let mut routine = Routine::find(image, COMMIT)?;
            routine.set_all(IC_IVAU, NOP)?;
            routine.set_all(IC_IALLUIS, NOP)?;
            Ok(routine)
        }),
        mutant("neither", "neither DC nor IC", ALL_THREE, |image| {
            let mut routine = Routine::find(image, COMMIT)?;
            for pattern in [DC_CVAU, DC_CIVAC, IC_IVAU, IC_IALLUIS] {
                routine.set_all(pattern, NOP)?;
            }
            Ok(routine)
        }),
        mutant("ic-before-dc", "IC before DC", ALL_THREE, |image| {
            let mut routine = Routine::find(image, COMMIT)?;
            let all = routine.nth(BY_LINE, 0, 0)?;
            // Both are by line, and change places.
            routine.set(all, branch_like(routine.word(all)));
            let words: Vec<_> = routine.words().enumerate().collect();
            for (index, word) in words {
                // Each keeps its register.
                let register = word & 31;
                if IC_IVAU.matches(word) {
                    routine.set(index, DC_CVAU.bits | register);
                } else if DC_CVAU.matches(word) || DC_CIVAC.matches(word) {
                    routine.set(index, IC_IVAU.bits | register);
                }
            }
            Ok(routine)
        }),
        mutant("no-second-dsb", "no DSB after IC", BARRIER, |image| {
            let mut routine = Routine::find(image, COMMIT)?;
            let invalidate = routine.nth(IC_IVAU, 0, 0)?;
            let barrier = routine.nth(DSB_ISH, invalidate, 0)?;
            routine.set(barrier, NOP);
            Ok(routine)
        }),
        mutant("no-isb", "no ISB on the patching CPU", BARRIER, |image| {
            let mut routine = Routine::find(image, COMMIT)?;
            routine.set_all(ISB, NOP)?;
            Ok(routine)
        }),
        mutant(
            "no-isb-elsewhere",
            "no ISB on a secondary before it leaves the rendezvous",
            BARRIER,
            |image| {
                let mut routine = Routine::find(image, WAIT)?;
                routine.set_all(ISB, NOP)?;
                Ok(routine)
            },
        ),
        mutant(
            "no-branch-elsewhere",
            "no decision between LDAR and ISB on a secondary",
            STATIC,
            |image| {
                let mut routine = Routine::find(image, WAIT)?;
                let leave = routine.nth(IS_EVEN, 0, 0)?;
                routine.set(leave, branch_like(routine.word(leave)));
                Ok(routine)
            },
        ),
        mutant(
            "no-frame-elsewhere",
            "a secondary that waits does not publish x29 and x30",
            STATIC,
            |image| {
                let mut routine = Routine::find(image, WAIT)?;
                routine.set_all(FRAME, NOP)?;
                Ok(routine)
            },
        ),
        mutant(
            "line-too-large",
            "line sizes taken as 4 times too large",
            MONITOR,
            |image| {
                let mut routine = Routine::find(image, COMMIT)?;
                // The addresses are those of words, so the two lowest bits are 0 anyway.
                for to_line in [TO_LINE, ROUND] {
                    routine.set_all(to_line, to_line.bits | 2 << 10)?; // …, lsl #2
                }
                Ok(routine)
            },
        ),
        Mutant {
            system: System::UnequalCaches,
            ..mutant(
                "idc-of-one",
                "IDC of the patching CPU honoured though another lacks it",
                MONITOR_ALONE,
                |image| {
                    let mut routine = Routine::find(image, COMMIT)?;
                    let first = routine.nth(FIRST_LINE, 0, 0)?;
                    // The counts of lines are not checked here. The last one is
                    // cleaned in any case.
                    routine.set(first, 0xd53b_002f); // mrs x15, ctr_el0
                    routine.set_all(COUNT_LINE, 0x37e0_004f)?; // tbnz w15, #28, .+8
                    Ok(routine)
                },
            )
        },
        Mutant {
            system: System::UnequalIndexing,
            ..mutant(
                "ic-by-address",
                "IC by address though the cache of one CPU is VIPT",
                MONITOR_ALONE,
                |image| {
                    let mut routine = Routine::find(image, COMMIT)?;
                    let all = routine.nth(BY_LINE, 0, 0)?;
                    routine.set(all, branch_like(routine.word(all)));
                    Ok(routine)
                },
            )
        },
        Mutant {
            system: System::Superpriority,
            ..mutant(
                "nmi-in-commit",
                "interrupts with superpriority let in while words change",
                BARRIER,
                |image| {
                    let mut routine = Routine::find(image, COMMIT)?;
                    routine.set_all(MASK_ALLINT, NOP)?;
                    Ok(routine)
                },
            )
        },
        Mutant {
            system: System::Superpriority,
            ..mutant(
                "nmi-in-wait",
                "the same on the CPUs that are stopped meanwhile",
                BARRIER,
                |image| {
                    let mut routine = Routine::find(image, WAIT)?;
                    routine.set_all(MASK_ALLINT, NOP)?;
                    Ok(routine)
                },
            )
        },
        mutant(
            "no-dc-loaded",
            "no DC of a loaded module",
            MONITOR,
            |image| {
                let mut text = Routine::all_but(image, &[COMMIT])?;
                text.set_all(DC_CVAU, NOP)?;
                text.set_all(DC_CIVAC, NOP)?;
                Ok(text)
            },
        ),
        mutant(
            "no-ic-loaded",
            "no IC of a loaded module",
            MONITOR,
            |image| {
                let mut text = Routine::all_but(image, &[COMMIT])?;
                text.set_all(IC_IVAU, NOP)?;
                text.set_all(IC_IALLUIS, NOP)?;
                Ok(text)
            },
        ),
        Mutant {
            system: System::LateCpu,
            ..mutant(
                "no-ic-started",
                "no IC by a CPU that starts after the pass",
                BARRIER,
                |image| {
                    let mut routine = Routine::find(image, START)?;
                    routine.set_all(IC_IALLU, NOP)?;
                    Ok(routine)
                },
            )
        },
        Mutant {
            system: System::LateCpu,
            ..mutant(
                "ic-before-mmu",
                "IC by such a CPU before its MMU is on",
                BARRIER,
                |image| {
                    let mut routine = Routine::find(image, START)?;
                    let tlbi = routine.nth(TLBI_VMALLE1, 0, 0)?;
                    let last = routine.nth(IC_IALLU, tlbi, 0)?;
                    routine.set(tlbi, IC_IALLU.bits);
                    routine.set(last, TLBI_VMALLE1.bits);
                    Ok(routine)
                },
            )
        },
        Mutant {
            system: System::Hypervisor,
            ..mutant(
                "no-ic-el2",
                "no IC at EL2 before the hypervisor runs",
                BARRIER,
                |image| {
                    let mut routine = Routine::find(image, START_NVHE)?;
                    routine.set_all(IC_IALLU, NOP)?;
                    Ok(routine)
                },
            )
        },
    ];
    ALL
}

/// `b` to where this `tbz` leads.
fn branch_like(tbz: u32) -> u32 {
    let words = ((tbz << 13) as i32) >> 18;
    0x1400_0000 | words as u32 & 0x03ff_ffff
}
