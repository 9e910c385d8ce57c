//! The examples in the pages of the documentation are compiled, too.

#[cfg(feature = "crash")]
#[doc = include_str!("../../../docs/plugins/crash.md")]
mod crash {}

#[cfg(feature = "logs")]
#[doc = include_str!("../../../docs/plugins/logs.md")]
mod logs {}

#[cfg(feature = "navigation")]
#[doc = include_str!("../../../docs/plugins/navigation.md")]
mod navigation {}

#[cfg(feature = "sandbox")]
#[doc = include_str!("../../../docs/plugins/sandbox.md")]
mod sandbox {}

#[cfg(feature = "table")]
#[doc = include_str!("../../../docs/plugins/table.md")]
mod table {}

#[doc = include_str!("../../../docs/plugins/writing-your-own.md")]
mod writing_your_own {}
