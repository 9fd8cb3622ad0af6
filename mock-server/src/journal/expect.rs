//! Assertions about the journal that read like sentences, and print the exchanges when they fail.

use std::fmt::{self, Display};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::{Exchange, Journal, Surface};
use crate::directory::{ApplicationId, ObjectId, TenantId};

/// What a test expects of the exchanges of the journal: first which are meant, then how many.
#[derive(Debug)]
#[must_use = "an expectation is checked by `once`, `never`, `times`, `at_least` or `at_most`"]
pub struct Expectation<'a> {
    journal: &'a Journal,
    since: u64,
    conditions: Vec<Condition>,
}

struct Condition {
    words: String,
    holds: Box<dyn Fn(&Exchange) -> bool>,
}

impl Journal {
    /// Expects something of the exchanges that are kept.
    pub fn expect(&self) -> Expectation<'_> {
        Expectation {
            journal: self,
            since: 0,
            conditions: Vec::new(),
        }
    }
}

impl<'a> Expectation<'a> {
    /// Only exchanges after a position ([`Journal::position`]).
    pub fn since(mut self, position: u64) -> Self {
        self.since = position;
        self
    }

    /// Only with this grant, in its short spelling: `refresh_token`, `device_code`, …
    pub fn grant(self, grant: &str) -> Self {
        let wanted = grant.to_owned();
        self.and(format!("grant {grant}"), move |it| {
            it.grant.as_deref() == Some(&wanted)
        })
    }

    /// Only of this client.
    pub fn for_client(self, client: ApplicationId) -> Self {
        self.and(format!("for client {client}"), move |it| {
            it.client == Some(client)
        })
    }

    /// Only of this user.
    pub fn for_user(self, user: ObjectId) -> Self {
        self.and(format!("for user {user}"), move |it| it.user == Some(user))
    }

    /// Only in this tenant.
    pub fn in_tenant(self, tenant: TenantId) -> Self {
        self.and(format!("in tenant {tenant}"), move |it| {
            it.tenant == Some(tenant)
        })
    }

    /// Only at this kind of endpoint.
    pub fn at(self, surface: Surface) -> Self {
        self.and(format!("at {surface:?}"), move |it| it.surface == surface)
    }

    /// Only by this method at this path, without the query: `request("GET", "/v1.0/me")`.
    pub fn request(self, method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        self.and(format!("{method} {path}"), move |it| {
            it.method == method && it.path == path
        })
    }

    /// Only answered with this status.
    pub fn answered(self, status: u16) -> Self {
        self.and(format!("answered {status}"), move |it| it.status == status)
    }

    /// Only refused with this AADSTS code.
    pub fn refused_with(self, aadsts: u32) -> Self {
        self.and(format!("refused with AADSTS{aadsts}"), move |it| {
            it.aadsts.contains(&aadsts)
        })
    }

    /// Only what fulfils a condition of your own; `words` say it in the message.
    pub fn that(self, words: &str, holds: impl Fn(&Exchange) -> bool + 'static) -> Self {
        self.and(words.to_owned(), holds)
    }

    /// Waits until it is so, at most so long: `.within(…).once().await`.
    pub fn within(self, patience: Duration) -> Within<'a> {
        Within {
            expectation: self,
            patience,
        }
    }

    /// It happened once, and is returned.
    ///
    /// # Panics
    ///
    /// If it happened never, or more often.
    #[track_caller]
    pub fn once(self) -> Exchange {
        let mut matching = self.check("once", |count| count == 1);
        // Checked in the line before.
        matching.pop().expect("one exchange fits")
    }

    /// It never happened.
    ///
    /// # Panics
    ///
    /// If it did.
    #[track_caller]
    pub fn never(self) {
        self.check("never", |count| count == 0);
    }

    /// It happened so many times.
    ///
    /// # Panics
    ///
    /// If it happened more or less often.
    #[track_caller]
    pub fn times(self, times: usize) -> Vec<Exchange> {
        self.check(&format!("{times} times"), |count| count == times)
    }

    /// It happened so many times or more often.
    ///
    /// # Panics
    ///
    /// If it happened less often.
    #[track_caller]
    pub fn at_least(self, times: usize) -> Vec<Exchange> {
        self.check(&format!("at least {times} times"), |count| count >= times)
    }

    /// It happened so many times or less often.
    ///
    /// # Panics
    ///
    /// If it happened more often.
    #[track_caller]
    pub fn at_most(self, times: usize) -> Vec<Exchange> {
        self.check(&format!("at most {times} times"), |count| count <= times)
    }

    fn and(mut self, words: String, holds: impl Fn(&Exchange) -> bool + 'static) -> Self {
        let holds = Box::new(holds);
        self.conditions.push(Condition { words, holds });
        self
    }

    fn found(&self) -> usize {
        let all = self.journal.exchanges_since(self.since);
        all.iter().filter(|it| self.fits(it)).count()
    }

    fn fits(&self, exchange: &Exchange) -> bool {
        self.conditions.iter().all(|it| (it.holds)(exchange))
    }

    #[track_caller]
    fn check(self, wanted: &str, is_right: impl Fn(usize) -> bool) -> Vec<Exchange> {
        let all = self.journal.exchanges_since(self.since);
        let fits = |it: &Exchange| self.fits(it);
        let matching: Vec<Exchange> = all.iter().filter(|it| fits(it)).cloned().collect();
        assert!(
            is_right(matching.len()),
            "expected {wanted}: {self}\nfound {} of {} exchanges:\n{}",
            matching.len(),
            all.len(),
            listing(&all, fits)
        );
        matching
    }
}

/// An expectation with a deadline.
#[derive(Debug)]
#[must_use = "an expectation is checked by `once`, `never`, `times`, `at_least` or `at_most`"]
pub struct Within<'a> {
    expectation: Expectation<'a>,
    patience: Duration,
}

impl Within<'_> {
    /// It happens once in time, and is returned.
    ///
    /// # Panics
    ///
    /// If it does not, or happens more often.
    pub async fn once(self) -> Exchange {
        self.until(|count| count >= 1).await.expectation.once()
    }

    /// It does not happen before the deadline.
    ///
    /// # Panics
    ///
    /// If it does.
    pub async fn never(self) {
        self.until(|count| count > 0).await.expectation.never();
    }

    /// It has happened so many times before the deadline.
    ///
    /// # Panics
    ///
    /// If it happened less often in time, or more often.
    pub async fn times(self, times: usize) -> Vec<Exchange> {
        self.until(|count| count >= times)
            .await
            .expectation
            .times(times)
    }

    /// It has happened so many times or more often before the deadline.
    ///
    /// # Panics
    ///
    /// If it happened less often.
    pub async fn at_least(self, times: usize) -> Vec<Exchange> {
        self.until(|count| count >= times)
            .await
            .expectation
            .at_least(times)
    }

    /// It does not happen more often before the deadline.
    ///
    /// # Panics
    ///
    /// If it does.
    pub async fn at_most(self, times: usize) -> Vec<Exchange> {
        self.until(|count| count > times)
            .await
            .expectation
            .at_most(times)
    }

    /// Waits until a number of exchanges decides, or the deadline passes.
    async fn until(self, decided: impl Fn(usize) -> bool) -> Self {
        let mut feed = self.expectation.journal.follow();
        let settled = async {
            while !decided(self.expectation.found()) {
                // A reader that lost entries looks at all that are kept; nothing more comes from
                // a journal that is gone.
                if let Err(RecvError::Closed) = feed.recv().await {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(self.patience, settled).await;
        self
    }
}

impl Display for Expectation<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.conditions.is_empty() {
            return formatter.write_str("any exchange");
        }
        for (index, condition) in self.conditions.iter().enumerate() {
            let gap = if index == 0 { "" } else { ", " };
            write!(formatter, "{gap}{}", condition.words)?;
        }
        if self.since > 0 {
            write!(formatter, ", after #{}", self.since)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words)
    }
}

/// The newest exchanges, those that fit with a mark.
fn listing(all: &[Exchange], fits: impl Fn(&Exchange) -> bool) -> String {
    let left_out = all.len().saturating_sub(SHOWN);
    let mut text = if left_out > 0 {
        format!("  … {left_out} older ones\n")
    } else {
        String::new()
    };
    for exchange in &all[left_out..] {
        let mark = if fits(exchange) { '>' } else { ' ' };
        text.push_str(&format!("{mark} {}\n", exchange.line()));
    }
    text
}

const SHOWN: usize = 40;

#[cfg(test)]
mod tests;
