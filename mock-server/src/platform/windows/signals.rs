//! What a console tells its processes.

use std::io;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};

use crate::platform::Asked;

/// What asks this process to end, as long as this is there.
#[derive(Debug)]
pub struct Signals {
    interrupt: CtrlC,
    // Sent by programs that started this one in a process group of its own.
    stop: CtrlBreak,
    close: CtrlClose,
    shutdown: CtrlShutdown,
}

impl Signals {
    /// Listens from now on: Ctrl-C does not end the process any more.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            stop: ctrl_break()?,
            close: ctrl_close()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.stop.recv() => Asked::Terminate,
            _ = self.close.recv() => Asked::HangUp,
            _ = self.shutdown.recv() => Asked::Terminate,
        }
    }
}

impl Asked {
    /// As users call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HangUp => "the closing of its console",
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "Ctrl-Break or the end of the session",
        }
    }
}

/// Waits for Ctrl-C, Ctrl-Break, or the end of the console or the session.
pub async fn interruption() {
    match Signals::listen() {
        Ok(mut signals) => {
            signals.next().await;
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
