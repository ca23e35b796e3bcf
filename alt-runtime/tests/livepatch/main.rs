//! Livepatch on a host: the text is a buffer, the CPUs and stacks are what a test says. The
//! numbers in names of tests are those of `docs/livepatch.md`, "Behaviours".

mod apply;
mod calls;
mod file;
mod kernel;
mod load;
mod mutated;
mod relocations;
mod stack;
mod tables;
mod threads;
