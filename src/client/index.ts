/** `recado/client`: the HTTP API of a hub, typed; for Node and browsers. */
export {
  createClient,
  type CallOptions,
  type Client,
  type ClientOptions,
  type DeviceCalls,
  type DeviceFilter,
  type DeviceListOptions,
  type InvokeOptions,
} from './client.ts';
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
export type * from './resources.ts';
