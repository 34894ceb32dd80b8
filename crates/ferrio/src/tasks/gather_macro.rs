//! Waiting for all of a few futures of different types.

use crate::task::JoinError;

use super::children::{Children, Kept, Strict};
use super::gathering::All;

/// A tuple of futures that have the same error.
pub trait Futures {
    #[doc(hidden)]
    type Children: Children;

    #[doc(hidden)]
    #[track_caller]
    fn spawn(self) -> Self::Children;
}

/// Runs the futures of a tuple; what the macro calls.
#[doc(hidden)]
#[track_caller]
pub fn gather_tuple<F: Futures>(futures: F) -> All<F::Children> {
    All::new(futures.spawn())
}

macro_rules! tuples {
    ($($count:literal: $($future:ident $value:ident $number:tt),+;)+) => {$(
        impl<Z: From<JoinError> + 'static, $($future, $value: 'static),+> Futures for ($($future,)+)
        where
            $($future: Future<Output = Result<$value, Z>> + 'static),+
        {
            type Children = ($(Strict<$value, Z>,)+);

            fn spawn(self) -> Self::Children {
                ($(Strict::new(self.$number),)+)
            }
        }

        impl<Z: From<JoinError> + 'static, $($value: 'static),+> Children for ($(Strict<$value, Z>,)+) {
            type Outputs = ($($value,)+);
            type Error = Z;

            fn len(&self) -> usize {
                $count
            }

            fn child(&mut self, number: usize) -> &mut dyn Kept<Z> {
                match number {
                    $($number => &mut self.$number,)+
                    _ => unreachable!("there are {} children", $count),
                }
            }

            fn outputs(self) -> Self::Outputs {
                ($(self.$number.value(),)+)
            }
        }
    )+};
}

tuples! {
    1: A1 A 0;
    2: A1 A 0, B1 B 1;
    3: A1 A 0, B1 B 1, C1 C 2;
    4: A1 A 0, B1 B 1, C1 C 2, D1 D 3;
    5: A1 A 0, B1 B 1, C1 C 2, D1 D 3, E1 E 4;
    6: A1 A 0, B1 B 1, C1 C 2, D1 D 3, E1 E 4, F1 F 5;
    7: A1 A 0, B1 B 1, C1 C 2, D1 D 3, E1 E 4, F1 F 5, G1 G 6;
    8: A1 A 0, B1 B 1, C1 C 2, D1 D 3, E1 E 4, F1 F 5, G1 G 6, H1 H 7;
}

/// Runs up to eight futures as tasks, side by side, and gives what they give as a tuple; `asyncio.gather`.
///
/// The futures may have different outputs, but have the same error. Otherwise this is [`gather`](fn@crate::gather).
///
/// ```
/// use ferrio::{Cancelled, gather};
///
/// ferrio::run(async {
///     let number = async { Ok::<_, Cancelled>(1) };
///     let text = async { Ok("one") };
///     assert_eq!(gather!(number, text).await?, (1, "one"));
///     Ok::<(), Cancelled>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! gather {
    ($($future:expr),+ $(,)?) => {
        $crate::__gather_tuple(($($future,)+))
    };
}
