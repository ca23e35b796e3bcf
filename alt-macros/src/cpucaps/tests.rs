//! What is left to this crate: finding the file.

#[test]
fn a_missing_file_says_where_it_was_sought() {
    let messages = super::read("no/such.toml").unwrap_err();
    let [message] = &messages[..] else {
        panic!("{messages:?}");
    };
    assert!(message.starts_with("no/such.toml: "), "{message}");
    assert!(
        message.contains("directory of the package's Cargo.toml"),
        "{message}"
    );
}
