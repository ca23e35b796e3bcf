//! Translates the events of the guest to operations for the judge.

use std::collections::HashMap;
use std::ops::Range;
use std::{io, mem};

use coherence::{Address, Cache, Config, End, Judge, Missing, Op, OpKind, Ops, Violation, When};

use crate::instruction::Instruction;
use crate::memory::Memory;
use crate::regions::{Open, Regions};
use crate::registers::Registers;
use crate::report::Report;

/// The state of a CPU.
struct Cpu {
    registers: Option<Registers>,
    cache: Option<Cache>,
    has_started: bool,
    routine: Routine,
    /// Values of its vector base registers, by the low bits of their encoding.
    vectors: [Option<u64>; 8],
    /// Whether its MMUs are on, by the same bits.
    mmus: [bool; 8],
    open: Open,
    ops: Ops,
}

/// Progress of a CPU in a routine that must make words visible. From its first store until it
/// synchronises itself or unmasks interrupts, it or another CPU writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Routine {
    Outside,
    Entered,
    /// Its last instruction so far.
    Amidst(Address),
    /// An exception has interrupted it, and it continues later.
    Suspended,
    Done,
}

impl Routine {
    fn is_here(self) -> bool {
        !matches!(self, Self::Outside | Self::Suspended)
    }
}

/// The observer. A CPU calls it for each instruction that is not [plain](Instruction::is_plain).
pub struct Observer {
    pub memory: Memory,
    pub report: Report,
    cpus: Vec<Cpu>,
    config: Config,
    regions: Regions,
    /// Created when the first instruction is executed, because CTR_EL0 cannot be read before.
    judge: Option<Judge>,
    instructions: HashMap<(u64, Option<u64>, u32), &'static Instruction>,
    end: End,
}

impl Observer {
    pub fn new(config: Config, cpus: usize) -> io::Result<Self> {
        let regions = Regions::new(&config.regions);
        let cpu = |_| Cpu {
            registers: None,
            cache: None,
            has_started: false,
            routine: Routine::Outside,
            vectors: [None; 8],
            mmus: [false; 8],
            open: regions.none_open(),
            ops: Ops::new(),
        };
        Ok(Self {
            memory: Memory::new(config.watch.clone()),
            report: Report::create(&config.report)?,
            cpus: (0..cpus).map(cpu).collect(),
            regions,
            judge: None,
            instructions: HashMap::new(),
            end: End::default(),
            config,
        })
    }

    pub fn set_registers(&mut self, cpu: u32, registers: Registers) {
        if let Some(cpu) = self.cpus.get_mut(cpu as usize) {
            cpu.cache = registers.read("CTR_EL0").map(Cache::new);
            cpu.registers = Some(registers);
        }
    }

    /// The instruction `word` at a virtual address, which is at `host` in QEMU's memory.
    pub fn translated(
        &mut self,
        address: u64,
        host: Option<u64>,
        word: u32,
    ) -> &'static Instruction {
        let physical = host.map(|host| self.memory.locate(address, host));
        let physical = physical.filter(|physical| self.memory.is_watched(*physical));
        if let Some(known) = self.instructions.get(&(address, physical, word)) {
            return known;
        }
        if physical.is_some_and(|physical| is_in(&self.config.text, physical)) {
            self.end.translated += 1;
        }
        let instruction = Box::leak(Box::new(Instruction {
            address,
            physical,
            op: Op::decode(word),
            word,
            is_promised: is_in(&self.config.routines, address),
            regions: self.regions.marks(address),
            written: self.memory.written(physical.unwrap_or(u64::MAX)),
        }));
        let key = (address, physical, word);
        self.instructions.insert(key, instruction);
        instruction
    }

    /// `cpu` executes an instruction. Returns whether the next ones must be observed.
    pub fn executed(&mut self, cpu: u32, instruction: &Instruction) -> bool {
        if self.judge.is_none() {
            self.judge = Some(Judge::new(self.cpus.len(), self.cache()));
        }
        let (Some(judge), Some(state)) = (&mut self.judge, self.cpus.get_mut(cpu as usize)) else {
            return false;
        };
        let pc = Address(instruction.address);

        let is_synchronised = state.is_synchronised_by_coming_to(instruction);
        match state.go_on(instruction, is_synchronised) {
            Some(Routine::Amidst(last)) if is_synchronised => {
                self.report.violation(interruption(cpu, pc, last));
            }
            // First, so that an interrupt that was pending until the routine unmasked it is not
            // taken for the routine's ISB.
            Some(_) => {
                for violation in judge.answer(cpu, pc) {
                    self.report.violation(violation);
                }
            }
            None => {}
        }
        if is_synchronised {
            judge.synchronise(cpu);
        }
        if let Some(physical) = instruction.physical
            && instruction.is_written()
        {
            self.end.executions += 1;
            if let Some(violation) = judge.execute(cpu, pc, physical) {
                self.report.violation(violation);
            }
        }

        let kind = instruction.op.map(|op| op.kind);
        self.regions
            .count(&instruction.regions, &mut state.open, kind);
        let attention = state.routine.is_here() || state.open.is_any();
        if let Some(op) = instruction.op {
            *state.ops.entry(op.kind).or_default() += 1;
            self.operate(cpu, op, instruction);
        }
        attention
    }

    /// The caches of the system: from the configuration, or from CTR_EL0 of the CPUs.
    fn cache(&mut self) -> Cache {
        let given: Vec<_> = self.config.ctr.iter().map(|ctr| Cache::new(*ctr)).collect();
        let own = self.cpus.iter().filter_map(|cpu| cpu.cache);
        let of_all = match given.is_empty() {
            true => own.reduce(Cache::meet),
            false => given.into_iter().reduce(Cache::meet),
        };
        of_all.unwrap_or_else(|| {
            self.report.problem("CTR_EL0 cannot be read".into());
            Cache::new(0)
        })
    }

    /// Passes the effect of the instruction on caches and order to the judge.
    fn operate(&mut self, cpu: u32, op: Op, instruction: &Instruction) {
        let (Some(state), Some(judge)) = (self.cpus.get_mut(cpu as usize), &mut self.judge) else {
            return;
        };
        let operand = op.register.map(|number| {
            let registers = state.registers.as_ref();
            registers.and_then(|registers| registers.general(number))
        });
        let operand = match operand {
            None => 0,
            Some(Some(value)) => value,
            Some(None) => {
                let problem = "the general-purpose registers cannot be read";
                return self.report.problem(problem.into());
            }
        };
        let is_by_address = op.kind.is_clean() || op.kind == OpKind::IcIvau;
        let physical = match self.memory.translate(operand) {
            _ if !is_by_address => 0,
            Some(physical) => physical,
            None => {
                self.end.untranslated += 1;
                return;
            }
        };
        match op.kind {
            kind if kind.is_clean() => judge.clean(cpu, physical, kind.is_clean_to_coherency()),
            OpKind::IcIvau => judge.invalidate(cpu, Address(operand), physical),
            OpKind::IcIallu => judge.invalidate_all(cpu, false),
            OpKind::IcIalluis => judge.invalidate_all(cpu, true),
            OpKind::Dsb => judge.barrier(cpu, true),
            OpKind::DsbStores => judge.barrier(cpu, false),
            OpKind::DsbLocal => judge.barrier_local(cpu),
            OpKind::Isb | OpKind::Eret | OpKind::Exception => judge.synchronise(cpu),
            OpKind::Vbar => state.vectors[instruction.op1()] = Some(operand),
            OpKind::Sctlr => {
                let is_on = operand & 1 != 0;
                let was_on = mem::replace(&mut state.mmus[instruction.op1()], is_on);
                if is_on && !was_on {
                    judge.turn_on(cpu);
                }
            }
            // The other instructions have no effect here.
            _ => {}
        }
    }

    /// `cpu` has stored bytes.
    pub fn stored(
        &mut self,
        cpu: u32,
        instruction: &Instruction,
        address: u64,
        physical: u64,
        size: u64,
    ) {
        let (Some(judge), Some(state)) = (&mut self.judge, self.cpus.get_mut(cpu as usize)) else {
            return;
        };
        if state.routine == Routine::Entered && instruction.is_promised {
            state.routine = Routine::Amidst(Address(instruction.address));
        }
        if !self.memory.is_watched(physical) {
            return;
        }
        let is_text = is_in(&self.config.text, physical);
        self.end.stores += u64::from(is_text);
        let is_promised = is_text && instruction.is_promised;
        judge.store(cpu, Address(address), physical, size, is_promised);
        self.memory.store(physical, size);
    }

    pub fn end(&mut self) {
        let mut end = std::mem::take(&mut self.end);
        let cpus = self.cpus.iter();
        end.cpus = cpus.map(|cpu| cpu.ops.clone()).collect();
        end.regions = self.regions.counts();
        self.report.end(end);
    }
}

impl Cpu {
    /// Moves on to an instruction, maybe by an exception. Returns the progress in the routine that
    /// it leaves.
    fn go_on(&mut self, instruction: &Instruction, by_exception: bool) -> Option<Routine> {
        let ends = |op: Op| matches!(op.kind, OpKind::Isb | OpKind::Daif);
        let here = match self.routine {
            Routine::Amidst(_) if by_exception => Routine::Suspended,
            Routine::Suspended if !instruction.is_promised => Routine::Suspended,
            _ if !instruction.is_promised => Routine::Outside,
            Routine::Outside => Routine::Entered,
            _ if instruction.op.is_some_and(ends) => Routine::Done,
            Routine::Amidst(_) | Routine::Suspended => {
                Routine::Amidst(Address(instruction.address))
            }
            other => other,
        };
        let before = mem::replace(&mut self.routine, here);
        (before.is_here() && !here.is_here()).then_some(before)
    }

    /// Whether the CPU has reached this instruction by a context synchronisation event. After
    /// reset, a CPU has fetched nothing before.
    fn is_synchronised_by_coming_to(&mut self, instruction: &Instruction) -> bool {
        let is_first = !mem::replace(&mut self.has_started, true);
        let is_entry = |base: &u64| instruction.address.wrapping_sub(*base) < 0x800;
        let mut vectors = self.vectors.iter().flatten();
        is_first || instruction.may_be_vector() && vectors.any(is_entry)
    }
}

/// An exception was taken from the address `last`, in a routine, to `pc`.
fn interruption(cpu: u32, pc: Address, last: Address) -> Violation {
    Violation {
        when: When::Interrupted,
        cpu,
        pc: pc.0,
        word: last.0,
        missing: Missing::Mask,
        stored_by: cpu,
        stored_at: last,
    }
}

fn is_in(ranges: &[Range<u64>], address: u64) -> bool {
    ranges.iter().any(|range| range.contains(&address))
}
