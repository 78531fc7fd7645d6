//! How a process ends, in words that schedulers know (`sysexits.h`).

/// The exit code of the command and of every pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything that could be done is done.
    Done,
    /// 64: the configuration or the command line is wrong; a repeat will not help.
    Usage,
    /// 69: a store is not reachable.
    Unavailable,
    /// 70: a fault of ours.
    Fault,
    /// 75: not done, for a reason that passes; run it again.
    TryAgain,
}

impl ExitCode {
    /// All of them, for the end of a help text.
    pub const HELP: &str = "\
Exit codes: 0 done, 64 wrong configuration or usage, 69 a store is not reachable,
70 a fault of ours, 75 try again.";

    /// The number that the operating system gets.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Fault => 70,
            Self::TryAgain => 75,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

/// An error that knows how a process ends which it stopped.
pub trait Failure: std::error::Error + Send + Sync + 'static {
    /// The exit code: [`ExitCode::Unavailable`] for a store that cannot be reached,
    /// [`ExitCode::TryAgain`] for what passes, [`ExitCode::Fault`] for what should not happen.
    fn exit_code(&self) -> ExitCode;
}
