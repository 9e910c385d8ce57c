//! An app of this project, on any adapter.

use flipper_client::Builder;
use flipper_client::proto::client::{ExchangeReason, Step};
use flipper_client::proto::{ErrorReport, Payload};
use serde_json::Value;

use super::{App, Part, Settings};
use crate::{Adapter, Handle as _, Result, suite};

impl<A: Adapter> App for suite::App<A> {
    fn launch(settings: &Settings<'_>, parts: &[Part<'_>]) -> Result<Self> {
        let (insecure, secure) = settings.ports;
        let builder = Builder::new(settings.name, Settings::ID)
            .ports(insecure, secure)
            .directory(settings.directory)
            .configure(|config| config.backoff.ceiling = Settings::CEILING);
        Self::launch(parts.iter().fold(builder, |builder, part| builder.plugin(part.plugin())))
    }

    fn wait_connected(&mut self) -> Result {
        self.wait_connected()
    }

    fn wait_failure(&mut self) -> Result<String> {
        Ok(self.wait_failure()?.to_string())
    }

    fn wait_exchange(&mut self, reason: ExchangeReason) -> Result {
        let step = Step::ExchangeNeeded(reason);
        self.wait_step(&step.to_string(), |told| *told == step).map(drop)
    }

    fn steps(&self) -> Vec<String> {
        self.steps().iter().map(ToString::to_string).collect()
    }

    fn send(&self, plugin: &str, method: &str, params: &Value) -> Result {
        Ok(self.handle.connection(plugin).send_json(method, Some(&Payload::serialize(params)?))?)
    }

    fn waiting(&self, plugin: &str) -> Result<(usize, u64)> {
        let connection = self.handle.connection(plugin);
        Ok((connection.waiting(), connection.dropped()))
    }

    fn report_error(&self, report: &ErrorReport) -> Result {
        Ok(self.handle.connection("").report_error(report)?)
    }

    fn add_plugin(&self, part: &Part<'_>) -> Result {
        Ok(self.handle.add_plugin(part.plugin())?)
    }

    fn remove_plugin(&self, id: &str) -> Result {
        Ok(self.handle.remove_plugin(id)?)
    }

    fn stop(self) -> Result {
        self.handle.stop();
        Ok(())
    }
}
