//! Figures and their medians.

/// What one round measured.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// Calls a second.
    pub(crate) per_second: f64,
    /// Latency, microseconds.
    pub(crate) p50: f64,
    /// Latency, microseconds.
    pub(crate) p99: f64,
    /// The client's CPU time for a call, microseconds.
    pub(crate) cpu: f64,
}

impl Sample {
    /// The median of each figure.
    pub(crate) fn medians(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Self {
            per_second: of(|sample| sample.per_second),
            p50: of(|sample| sample.p50),
            p99: of(|sample| sample.p99),
            cpu: of(|sample| sample.cpu),
        }
    }
}

pub(crate) fn median(figures: Vec<f64>) -> f64 {
    quantile(figures, 0.5)
}

pub(crate) fn quantile(mut figures: Vec<f64>, at: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index between 0 and the length")]
    let index = ((figures.len().saturating_sub(1)) as f64 * at).round() as usize;
    figures.get(index).copied().unwrap_or(f64::NAN)
}
