//! Enumerations whose variants have a name for the command line and say what they are.

/// An enumeration, its variants in the order of their names: `WORD:NAME` means one of them, and the
/// documentation of a variant is what it says of itself.
macro_rules! named {
    (
        $(#[doc = $about:literal])+
        $of:ident as $word:literal: $($(#[doc = $says:literal])+ $variant:ident = $name:literal,)+
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum $of {
            $($(#[doc = $says])+ $variant,)+
        }

        impl $of {
            /// All of them, in the order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            #[doc = concat!("The name, as `--connector ", $word, ":NAME` takes it.")]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it is, in a sentence.
            pub fn says(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($says),+).trim_ascii(),)+
                }
            }
        }

        impl ::std::fmt::Display for $of {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(self.name())
            }
        }

        impl ::std::str::FromStr for $of {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().find(|it| it.name() == text);
                found.copied().ok_or_else(|| {
                    let names: Vec<&str> = Self::ALL.iter().map(|it| it.name()).collect();
                    $crate::reference::named::unknown($word, text, &names)
                })
            }
        }
    };
}

pub(super) use named;

/// Names the nearest, or all of them.
pub(super) fn unknown(word: &str, text: &str, names: &[&str]) -> String {
    let nearest = entra_mock::notation::did_you_mean(text, names.iter().copied());
    if nearest.is_empty() {
        format!(
            "there is no {word} '{text}'; there are {}",
            names.join(", ")
        )
    } else {
        format!("there is no {word} '{text}'{nearest}")
    }
}
