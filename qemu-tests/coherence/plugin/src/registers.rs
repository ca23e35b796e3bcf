//! Reading the registers of the CPU that is executing.

use std::collections::HashMap;
use std::ffi::CStr;

use crate::api;

/// The registers of one CPU, by name.
pub struct Registers(HashMap<String, Handle>);

#[derive(Clone, Copy)]
struct Handle(*mut api::RegisterHandle);

// SAFETY: a handle is a name for QEMU to look up; nothing is done through the pointer.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Registers {
    /// The registers of the CPU in whose callback this is called.
    pub fn of_this_cpu() -> Self {
        // SAFETY: QEMU returns a new array of descriptors with names that live as long as it
        // does; the array is freed once.
        unsafe {
            let array = api::qemu_plugin_get_registers();
            let Some(descriptors) = array.as_ref() else {
                return Self(HashMap::new());
            };
            let named = (0..descriptors.len as usize).map(|index| {
                let descriptor = &*descriptors.data.add(index);
                let name = CStr::from_ptr(descriptor.name).to_string_lossy();
                (name.into_owned(), Handle(descriptor.handle))
            });
            let registers = Self(named.collect());
            api::g_array_free(array, 1);
            registers
        }
    }

    /// The value of a register of up to 64 bits, in a callback of its CPU that may read
    /// registers.
    pub fn read(&self, name: &str) -> Option<u64> {
        let handle = self.0.get(name)?;
        // SAFETY: the handle is QEMU's own; it fills the array, which is freed once.
        unsafe {
            let array = api::g_byte_array_new();
            let length = api::qemu_plugin_read_register(handle.0, array);
            let mut bytes = [0; 8];
            let is_usable = length > 0 && length as u32 == (*array).len && length <= 8;
            if is_usable {
                let length = length as usize;
                bytes[..length].copy_from_slice(std::slice::from_raw_parts((*array).data, length));
            }
            api::g_byte_array_free(array, 1);
            is_usable.then(|| u64::from_le_bytes(bytes))
        }
    }

    /// The value of a general-purpose register; 31 is the zero register.
    pub fn general(&self, number: u8) -> Option<u64> {
        match number {
            31 => Some(0),
            _ => self.read(&format!("x{number}")),
        }
    }
}
