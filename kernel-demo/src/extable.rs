//! The exception table: instructions that may fault, and where to go on then.

/// Two addresses, each as its distance from the field that holds it.
#[repr(C)]
struct Entry {
    /// The instruction that may fault, where it runs.
    at: i32,
    /// Where to go on.
    fix: i32,
}

// By the linker script. Entries are of arms and defaults alike: those of a variant that the
// text does not hold name instructions that do not fault, or say the same.
unsafe extern "C" {
    static __start_ex_table: [Entry; 0];
    static __stop_ex_table: [Entry; 0];
}

/// Where to go on after a fault of the instruction at `pc`.
pub fn fix(pc: usize) -> Option<usize> {
    let (mut entry, end) = (
        (&raw const __start_ex_table).cast::<Entry>(),
        (&raw const __stop_ex_table).cast::<Entry>(),
    );
    while entry < end {
        // SAFETY: the table lies between the bounds, and nothing writes to it.
        let Entry { at, fix } = unsafe { entry.read() };
        let address =
            |field: *const i32, distance: i32| field.addr().wrapping_add_signed(distance as isize);
        // SAFETY: the fields of that entry.
        let (at_field, fix_field) = unsafe { (&raw const (*entry).at, &raw const (*entry).fix) };
        if address(at_field, at) == pc {
            return Some(address(fix_field, fix));
        }
        entry = entry.wrapping_add(1);
    }
    None
}
