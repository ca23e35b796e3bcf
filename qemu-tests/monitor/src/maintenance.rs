//! Cache maintenance of the guest.

use core::arch::asm;

use el2_monitor::layout::{Operation, Reason, ViolationKind};
use el2_monitor::words::{PAGE, line};

use crate::frame::Frame;
use crate::guest;
use crate::registers::execute;
use crate::state::State;

/// Whether the trapped instruction is cache maintenance: op0 = 1, CRn = 7.
pub fn is_one(syndrome: u64) -> bool {
    syndrome >> 20 & 3 == 1 && syndrome >> 10 & 0xf == 7
}

/// The operation, by op1, CRm and op2 (Arm ARM C5.1.2, "Cache maintenance instructions").
fn operation(syndrome: u64) -> Option<Operation> {
    let (op1, crm, op2) = (syndrome >> 14 & 7, syndrome >> 1 & 0xf, syndrome >> 17 & 7);
    Some(match (op1, crm, op2) {
        (0, 1, 0) => Operation::InstructionAllShared,
        (0, 5, 0) => Operation::InstructionAll,
        (3, 5, 1) => Operation::InstructionLine,
        (0, 6, 1) => Operation::Invalidate,
        (0, 6 | 10 | 14, 2) => Operation::SetWay,
        (3, 10 | 12 | 13, 1) => Operation::Clean,
        (3, 11, 1) => Operation::CleanToUnification,
        (3, 14, 1) => Operation::CleanInvalidate,
        _ => return None,
    })
}

/// Executes it, and applies its effect on the caches to the model.
pub fn handle(state: &mut State, cpu: usize, frame: &Frame, syndrome: u64) -> Result<(), Reason> {
    let operation = operation(syndrome).ok_or(Reason::Exception)?;
    state.report().operations[cpu][operation as usize] += 1;
    state.changes += 1;
    let address = frame.get((syndrome >> 5 & 31) as u32);
    match operation {
        Operation::SetWay => Ok(()),
        Operation::InstructionAll => {
            execute!("ic iallu");
            invalidate_all(state, 1 << cpu);
            Ok(())
        }
        Operation::InstructionAllShared => {
            execute!("ic ialluis");
            let online = mask(state, |_| true);
            invalidate_all(state, online);
            Ok(())
        }
        _ => match guest::translate(frame, address, false) {
            Some(physical) => by_line(state, operation, physical),
            None => {
                state.violation(cpu, frame, ViolationKind::Unmapped, 0, address);
                Ok(())
            }
        },
    }
}

/// One bit for each CPU that runs and is of that kind.
fn mask(state: &State, wanted: impl Fn(usize) -> bool) -> u8 {
    let online = state.online().filter(|cpu| wanted(*cpu));
    online.fold(0, |mask, cpu| mask | 1 << cpu)
}

fn idc(state: &State) -> u8 {
    mask(state, |cpu| state.cpus[cpu].caches.idc)
}

fn invalidate_all(state: &mut State, cpus: u8) {
    let idc = idc(state);
    for slot in state.pages.iter_mut() {
        slot.page
            .change(0, PAGE, |word| word.invalidated(cpus, idc));
    }
}

/// Maintains a line by its physical address, which is the same for all mappings.
fn by_line(state: &mut State, operation: Operation, address: u64) -> Result<(), Reason> {
    // SAFETY: cleaning or invalidating mapped memory does not change it.
    unsafe {
        match operation {
            Operation::InstructionLine => asm!("ic ivau, {}", in(reg) address),
            _ => asm!("dc civac, {}", in(reg) address),
        }
    }
    if !guest::is_ram(address) || operation == Operation::Invalidate {
        return Ok(());
    }
    let page = address & !(PAGE - 1);
    let lines = state.online().map(|cpu| state.cpus[cpu].caches);
    if operation == Operation::InstructionLine {
        let idc = idc(state);
        // Each CPU invalidates a line of its own size. If its cache is indexed by virtual address,
        // it may keep lines that it has fetched by other addresses, which are not known here.
        let mut sizes = [0; 8];
        for cpu in state.online().filter(|cpu| state.cpus[*cpu].caches.pipt) {
            sizes[cpu] = state.cpus[cpu].caches.instruction_line;
        }
        let slot = state.watch(page)?;
        for (cpu, size) in sizes.into_iter().enumerate().filter(|(_, size)| *size != 0) {
            let (start, end) = line(address, size);
            slot.page
                .change(start.saturating_sub(page), end - page, |word| {
                    word.invalidated(1 << cpu, idc)
                });
        }
    } else {
        // The smallest line of all CPUs, because no more is guaranteed.
        let size = lines.map(|caches| caches.data_line).min().unwrap_or(4);
        let (start, end) = line(address, size);
        let slot = state.watch(page)?;
        slot.page
            .change(start.saturating_sub(page), end - page, |word| {
                word.cleaned()
            });
    }
    Ok(())
}
