//! The bank port over gRPC.

use std::sync::Arc;

use chrono::NaiveDate;
use renkei_proto::bank::v1 as port;
use renkei_proto::bank::v1::bank_port_server::BankPort;
use tonic::{Request, Response, Status};

use crate::attempts::AttemptId;
use crate::bank::SandboxBank;
use crate::calendar::day_in_japan;
use crate::port_error::{PortError, timestamp};
use crate::seed::{Account, BankCode, Contract, Seed, Task, User};
use crate::state::{Notice, PinRequest, State};
use crate::switches::{PlannedMaintenance, Rpc};
use crate::{certificate, inquiry_pin, login, statement_page};

/// The port of one [`SandboxBank`].
#[derive(Debug)]
pub(crate) struct BankPortService {
    bank: SandboxBank,
}

impl BankPortService {
    pub(crate) fn new(bank: SandboxBank) -> Self {
        Self { bank }
    }
}

#[tonic::async_trait]
impl BankPort for BankPortService {
    async fn resolve_certificate(
        &self,
        request: Request<port::ResolveCertificateRequest>,
    ) -> Result<Response<port::ResolveCertificateResponse>, Status> {
        let request = request.into_inner();
        let act = |seed: &Seed, state: &mut State, bank| {
            certificate::resolve(seed, state, bank, &request)
        };
        let answer = self
            .bank
            .answer(Rpc::ResolveCertificate, &request.bank_code, act)
            .await?;
        let asked = port::Asked {
            bank_code: request.bank_code,
            certificate_sha256: request
                .certificate
                .map(|certificate| certificate.sha256)
                .unwrap_or_default(),
            ..port::Asked::default()
        };
        Ok(self.bank.leave(Rpc::ResolveCertificate, asked, answer))
    }

    async fn authenticate(
        &self,
        request: Request<port::AuthenticateRequest>,
    ) -> Result<Response<port::AuthenticateResponse>, Status> {
        let request = request.into_inner();
        let act =
            |seed: &Seed, state: &mut State, bank| login::authenticate(seed, state, bank, &request);
        let answer = self
            .bank
            .answer(Rpc::Authenticate, &request.bank_code, act)
            .await?;
        let asked = port::Asked {
            bank_code: request.bank_code,
            attempt_id: request.attempt_id,
            ..port::Asked::default()
        };
        Ok(self.bank.leave(Rpc::Authenticate, asked, answer))
    }

    async fn list_accounts(
        &self,
        request: Request<port::ListAccountsRequest>,
    ) -> Result<Response<port::ListAccountsResponse>, Status> {
        let request = request.into_inner();
        let act = |seed: &Seed, state: &mut State, bank| {
            let (contract, user) = seed
                .subject(bank, request.subject.as_ref())
                .ok_or(PortError::UnknownSubject)?;
            Ok(visible_accounts(state, bank, contract, user))
        };
        let answer = self
            .bank
            .answer(Rpc::ListAccounts, &request.bank_code, act)
            .await?;
        let subject = request.subject.unwrap_or_default();
        let asked = port::Asked {
            bank_code: request.bank_code,
            contract_id: subject.contract_id,
            user_id: subject.user_id,
            ..port::Asked::default()
        };
        Ok(self.bank.leave(Rpc::ListAccounts, asked, answer))
    }

    async fn verify_inquiry_pin(
        &self,
        request: Request<port::VerifyInquiryPinRequest>,
    ) -> Result<Response<port::VerifyInquiryPinResponse>, Status> {
        let request = request.into_inner();
        let subject = request.subject.clone().unwrap_or_default();
        self.bank.state().record_pin_request(PinRequest {
            bank_code: request.bank_code.clone(),
            attempt_id: request.attempt_id.clone(),
            contract_id: subject.contract_id,
            user_id: subject.user_id,
            pin_scope_id: request.pin_scope_id.clone(),
        });
        let act = |seed: &Seed, state: &mut State, bank| {
            let verdict = inquiry_pin::verify(seed, state, bank, &request)?;
            Ok(port::VerifyInquiryPinResponse {
                verdict: verdict.into(),
                asked: None,
            })
        };
        let answer = self
            .bank
            .answer(Rpc::VerifyInquiryPin, &request.bank_code, act)
            .await?;
        let subject = request.subject.unwrap_or_default();
        let asked = port::Asked {
            bank_code: request.bank_code,
            attempt_id: request.attempt_id,
            contract_id: subject.contract_id,
            user_id: subject.user_id,
            pin_scope_id: request.pin_scope_id,
            ..port::Asked::default()
        };
        Ok(self.bank.leave(Rpc::VerifyInquiryPin, asked, answer))
    }

    async fn get_verdict(
        &self,
        request: Request<port::GetVerdictRequest>,
    ) -> Result<Response<port::GetVerdictResponse>, Status> {
        let request = request.into_inner();
        let act = |_: &Seed, state: &mut State, bank| {
            let id = AttemptId::parse(&request.attempt_id)?;
            let verdict = state.attempts.verdict_or_void(bank, id);
            Ok(port::GetVerdictResponse {
                verdict: verdict.into(),
                asked: None,
            })
        };
        let answer = self
            .bank
            .answer(Rpc::GetVerdict, &request.bank_code, act)
            .await?;
        let asked = port::Asked {
            bank_code: request.bank_code,
            attempt_id: request.attempt_id,
            ..port::Asked::default()
        };
        Ok(self.bank.leave(Rpc::GetVerdict, asked, answer))
    }

    async fn send_notice(
        &self,
        request: Request<port::SendNoticeRequest>,
    ) -> Result<Response<port::SendNoticeResponse>, Status> {
        let request = request.into_inner();
        let act = |seed: &Seed, state: &mut State, bank| {
            let kind = request.kind();
            if kind == port::NoticeKind::Unspecified || request.notice_id.is_empty() {
                return Err(PortError::Invalid("kind and notice_id are required"));
            }
            if request.ends_at.is_some() != (kind == port::NoticeKind::Expiring) {
                return Err(PortError::Invalid("ends_at goes with EXPIRING"));
            }
            seed.contract(bank, &request.contract_id)
                .ok_or(PortError::UnknownSubject)?;
            state.send(Notice {
                notice_id: request.notice_id.clone(),
                bank_code: request.bank_code.clone(),
                contract_id: request.contract_id.clone(),
                actor_user_id: request.actor_user_id.clone(),
                kind,
                partner_service_name: request.partner_service_name.clone(),
                account_ids: request.account_ids.clone(),
                ends_at: request.ends_at,
                way_to_linkages: request
                    .way_to_linkages
                    .iter()
                    .map(|way| (way.language.clone(), way.text.clone()))
                    .collect(),
            });
            Ok(port::SendNoticeResponse {})
        };
        self.bank
            .answer(Rpc::SendNotice, &request.bank_code, act)
            .await
    }

    async fn get_balance(
        &self,
        request: Request<port::GetBalanceRequest>,
    ) -> Result<Response<port::GetBalanceResponse>, Status> {
        let request = request.into_inner();
        let act = |seed: &Seed, state: &mut State, bank| {
            let contract = contract_serving(
                seed,
                bank,
                &request.contract_id,
                &request.account_id,
                Task::Balance,
            )?;
            Ok((contract, state.switches.clock.now()))
        };
        let answer = self
            .bank
            .answer(Rpc::GetBalance, &request.bank_code, act)
            .await?;
        let (contract, as_of) = answer.into_inner();
        let account = contract
            .account(&request.account_id)
            .ok_or(PortError::UnknownAccount)?;
        let balance = account.ledger.balance(day_in_japan(as_of));
        let answer = Response::new(port::GetBalanceResponse {
            balance_yen: balance.balance_yen,
            available_balance_yen: balance.available_yen,
            as_of: Some(timestamp(as_of)),
            asked: None,
        });
        let asked = port::Asked {
            bank_code: request.bank_code,
            contract_id: request.contract_id,
            account_id: request.account_id,
            ..port::Asked::default()
        };
        Ok(self.bank.leave(Rpc::GetBalance, asked, answer))
    }

    async fn list_transactions(
        &self,
        request: Request<port::ListTransactionsRequest>,
    ) -> Result<Response<port::ListTransactionsResponse>, Status> {
        let request = request.into_inner();
        let act = |seed: &Seed, state: &mut State, bank| {
            let contract = contract_serving(
                seed,
                bank,
                &request.contract_id,
                &request.account_id,
                Task::Transactions,
            )?;
            Ok((contract, day_in_japan(state.switches.clock.now())))
        };
        let answer = self
            .bank
            .answer(Rpc::ListTransactions, &request.bank_code, act)
            .await?;
        let (contract, today) = answer.into_inner();
        let account = contract
            .account(&request.account_id)
            .ok_or(PortError::UnknownAccount)?;
        let answer = Response::new(statement_page::page(account, &request, today)?);
        let asked = port::Asked {
            bank_code: request.bank_code,
            contract_id: request.contract_id,
            account_id: request.account_id,
            ..port::Asked::default()
        };
        Ok(self.bank.leave(Rpc::ListTransactions, asked, answer))
    }

    async fn list_planned_maintenance(
        &self,
        request: Request<port::ListPlannedMaintenanceRequest>,
    ) -> Result<Response<port::ListPlannedMaintenanceResponse>, Status> {
        let request = request.into_inner();
        let act = |_: &Seed, state: &mut State, bank| {
            let planned = state.switches.planned.get(&bank);
            let maintenance = planned.into_iter().flatten().map(announced).collect();
            Ok(port::ListPlannedMaintenanceResponse {
                maintenance,
                asked: None,
            })
        };
        let rpc = Rpc::ListPlannedMaintenance;
        let answer = self.bank.answer(rpc, &request.bank_code, act).await?;
        let asked = port::Asked {
            bank_code: request.bank_code,
            ..port::Asked::default()
        };
        Ok(self.bank.leave(rpc, asked, answer))
    }
}

/// The contract of an account that serves `task`. Statements are computed from it outside the
/// bank's lock.
fn contract_serving(
    seed: &Seed,
    bank: BankCode,
    contract_id: &str,
    account_id: &str,
    task: Task,
) -> Result<Arc<Contract>, PortError> {
    let contract = seed
        .contract(bank, contract_id)
        .ok_or(PortError::UnknownSubject)?;
    let account = contract
        .account(account_id)
        .ok_or(PortError::UnknownAccount)?;
    if account.tasks.contains(&task) {
        Ok(Arc::clone(contract))
    } else {
        Err(PortError::Invalid(
            "the account is not eligible for this task",
        ))
    }
}

fn visible_accounts(
    state: &State,
    bank: BankCode,
    contract: &Contract,
    user: &User,
) -> port::ListAccountsResponse {
    let today = day_in_japan(state.switches.clock.now());
    let accounts = contract
        .accounts
        .iter()
        .filter(|account| state.may_see(bank, user, &account.id))
        .map(|account| port::Account {
            account_id: account.id.clone(),
            branch_code: account.branch_code.clone(),
            branch_name: account.branch_name.clone(),
            r#type: account.kind.into(),
            number: account.number.clone(),
            memo: account.memo.clone(),
            pin_scope_id: account.pin_scope_for(user).unwrap_or_default().to_owned(),
            tasks: account
                .tasks
                .iter()
                .map(|task| eligible(*task, account, today))
                .collect(),
        })
        .collect();
    port::ListAccountsResponse {
        accounts,
        asked: None,
    }
}

fn announced(planned: &PlannedMaintenance) -> port::PlannedMaintenance {
    port::PlannedMaintenance {
        from: Some(timestamp(planned.from)),
        until: planned.until.map(timestamp),
    }
}

fn eligible(task: Task, account: &Account, today: NaiveDate) -> port::EligibleTask {
    let (task, from) = match task {
        Task::Balance => (port::Task::Balance, today),
        Task::Transactions => (port::Task::Transactions, account.statements_from(today)),
    };
    port::EligibleTask {
        task: task.into(),
        available_from_date: from.to_string(),
    }
}
