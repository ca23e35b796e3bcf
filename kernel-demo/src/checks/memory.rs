//! Checks of copies, cache maintenance and reads of user memory.

use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal, probe};
use crate::cpucaps::{PAN, UAO};
use crate::features::memory::{copy, persist};
use crate::features::user::read_user;
use crate::platform::board::PAGE;
use crate::platform::memory;

#[distributed_slice(CHECKS)]
static COPY: Check = Check {
    name: "memcpy",
    run: memcpy,
};

fn memcpy(_: &Context<'_>) -> Result<(), Mismatch> {
    let from: [u8; 300] = core::array::from_fn(|i| (i * 7 + 1) as u8);
    for (start, len) in [
        (0, 0),
        (0, 1),
        (3, 16),
        (1, 63),
        (7, 64),
        (5, 255),
        (0, 300),
    ] {
        let mut to = [0xa5; 300];
        copy(&mut to[start..start + len.min(300 - start)], &from);
        for (i, byte) in to.iter().enumerate() {
            let inside = (start..start + len).contains(&i);
            let model = if inside { from[i - start] } else { 0xa5 };
            equal("a byte", u64::from(*byte), u64::from(model))?;
        }
    }
    Ok(())
}

#[distributed_slice(CHECKS)]
static PERSIST: Check = Check {
    name: "persist",
    run: persistent,
};

fn persistent(_: &Context<'_>) -> Result<(), Mismatch> {
    let mut log = [0; 20];
    for (i, entry) in log.iter_mut().enumerate() {
        *entry = i as u64 * 3;
        persist(entry);
    }
    for (i, entry) in log.iter().enumerate() {
        equal("an entry", *entry, i as u64 * 3)?;
    }
    Ok(())
}

#[distributed_slice(CHECKS)]
static USER_ACCESS: Check = Check {
    name: "user-access",
    run: user_access,
};

fn user_access(context: &Context<'_>) -> Result<(), Mismatch> {
    let user = memory::user_page(0x600d_f00d);
    equal(
        "the user's word",
        read_user(user, 0).unwrap_or(0).into(),
        0x600d_f00d,
    )?;
    // Nothing is mapped after the user's page, so this read faults in each variant.
    equal(
        "faults behind the user's page",
        read_user(user, PAGE / size_of::<u32>()).is_none().into(),
        1,
    )?;

    // Outside of `read_user`, PAN forbids the access.
    // SAFETY: the word is readable memory, or the read faults.
    let by_mistake = unsafe { probe::read(user) };
    equal(
        "faults outside the window",
        by_mistake.is_err().into(),
        context.has(PAN).into(),
    )?;

    // With UAO, a user who passes a pointer to kernel memory reads nothing.
    let own = 0x005e_c2e7_u32;
    let stolen = read_user(&raw const own, 0);
    equal(
        "the kernel's word is refused",
        stolen.is_none().into(),
        context.has(UAO).into(),
    )
}
