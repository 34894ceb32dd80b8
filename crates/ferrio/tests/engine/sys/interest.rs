use ferrio::engine::Interest;

#[test]
fn interest_is_a_set_of_two() {
    assert_eq!(Interest::READ | Interest::WRITE, Interest::BOTH);
    assert_eq!(Interest::BOTH.minus(Interest::READ), Interest::WRITE);
    assert_eq!(Interest::READ.minus(Interest::WRITE), Interest::READ);
    assert!(Interest::BOTH.contains(Interest::WRITE));
    assert!(!Interest::READ.contains(Interest::BOTH));
    assert!(Interest::NONE.is_none() && Interest::READ.contains(Interest::NONE));
    assert_eq!(Interest::default(), Interest::NONE);
}
