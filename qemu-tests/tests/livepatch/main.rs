//! Functions of the running demo kernel are replaced: payloads of the tests, written from the layout
//! alone, on several CPUs that call the functions all the time.
//!
//! Each test states the behaviour that it is about.

mod apply;
mod costs;
mod load;
mod observers;
mod session;
mod stack;
