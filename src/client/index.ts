/** `recado/client`: the HTTP API of a hub, typed; for Node and browsers. */
export type {
  AcceptedResource as InvocationAccepted,
  CommandResource as Command,
  DeviceDetailResource as DeviceDetails,
  DeviceFailureResource as DeviceFailure,
  DevicePageResource as DevicePage,
  DevicePatch,
  DeviceResource as Device,
  EventDescriptionResource as EventDescription,
  HealthResource as Health,
  InvocationAnswerResource as InvocationResult,
  InvocationResource as Invocation,
  IssueResource as ProblemIssue,
  JsonSchema,
  MetricResource as MetricDescription,
  PhaseResource as InvocationPhase,
  PresenceResource as Presence,
  ProblemResource as Problem,
  ReadingResource as Reading,
  TelemetryResource as DeviceTelemetry,
} from '../api/schemas.ts';
export type {
  InvocationDetailResource as InvocationDetails,
  InvocationPageResource as InvocationPage,
} from '../api/invocation-schemas.ts';
export type {
  ServiceAgentResource as ServiceAgent,
  ServiceResource as Service,
} from '../api/service-schemas.ts';
export type {
  AuditEntryResource as AuditEntry,
  AuditPageResource as AuditPage,
  NewTokenBody as NewToken,
  NewTokenResource as CreatedToken,
  NewUserBody as NewUser,
  ScopeResource as Scope,
  SignInBody as SignIn,
  TokenResource as Token,
  UserChangeBody as UserChange,
  UserResource as User,
  WhoAmIResource as WhoAmI,
} from '../api/account-schemas.ts';
export type {
  AccountCalls,
  AuditCalls,
  AuditListOptions,
  SessionCalls,
  TokenCalls,
  UserCalls,
} from './account-calls.ts';
export type {
  BrokerSessionResource as BrokerSession,
  ClientPageResource as BrokerClientPage,
  SessionPageResource as BrokerSessionPage,
} from '../api/broker-schemas.ts';
export type {
  BrokerCalls,
  BrokerClient,
  BrokerClientListOptions,
  BrokerSessionListOptions,
} from './broker-calls.ts';
export type { HubStateResource as HubState } from '../api/hub-schemas.ts';
export type { BulkLine } from '../api/bulk-schemas.ts';
export type { BulkOptions } from './command-devices.ts';
export type {
  NewWebhookBody as NewWebhook,
  WebhookChangeBody as WebhookChange,
  WebhookResource as Webhook,
} from '../api/webhook-schemas.ts';
export type { WebhookCalls } from './webhook-calls.ts';
export type {
  PublishedResource as Published,
  RetainedResource as RetainedMessage,
  TopicPageResource as TopicPage,
} from '../api/topic-schemas.ts';
export type { MessageOptions, RetainedPayload, TopicCalls, TopicListOptions } from './topic-calls.ts';
export type { TicketResource as StreamTicket } from '../api/event-schemas.ts';
export type {
  HistoriesResource as MetricHistories,
  HistoryResource as MetricHistory,
} from '../api/history-schemas.ts';
export {
  createClient,
  type Client,
  type ClientOptions,
  type DeviceCalls,
  type DeviceFilter,
  type DeviceListOptions,
  type HistoryOptions,
  type InvocationCalls,
  type InvocationListOptions,
  type InvokeOptions,
  type StartOptions,
  type TicketOptions,
} from './client.ts';
export type { CallOptions, CookieJar } from './hub-request.ts';
export type { EventKind, EventOptions, HubEvent } from './follow-events.ts';
export {
  ClientError,
  HubAnswerError,
  HubUnreachableError,
  ProblemError,
  type ProblemCode,
  type UnreachableReason,
} from './errors.ts';
export {
  readDraft,
  readDrafts,
  type DraftIssue,
  type DraftOptions,
  type DraftProblem,
  type DraftReading,
} from './input-draft.ts';
export {
  readInputForm,
  type BooleanField,
  type ChoiceField,
  type FormField,
  type InputForm,
  type JsonField,
  type ListField,
  type NumberField,
  type ScalarField,
  type TextField,
} from './input-form.ts';
