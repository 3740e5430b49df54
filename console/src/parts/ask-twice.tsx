import { useSignal } from '@preact/signals';
import { ClientError } from '../../../src/client/index.ts';
import { sayFailure } from '../failure.ts';
import { say } from '../words.ts';

type Props = {
  readonly label: string;
  /** What is lost, before it is. */
  readonly question: string;
  readonly act: () => Promise<void>;
  readonly onDone: () => void;
};

/** A button for what cannot be taken back: the second press does it. */
export function AskTwice({ label, question, act, onDone }: Props) {
  // What was asked was about what it said then: where that has changed, it is asked anew.
  const asked = useSignal<string | undefined>(undefined);
  const fault = useSignal<string | undefined>(undefined);
  const doIt = async (): Promise<void> => {
    asked.value = undefined;
    try {
      await act();
      fault.value = undefined;
      onDone();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      fault.value = sayFailure(error);
    }
  };
  if (asked.value !== question)
    return (
      <>
        <button onClick={() => (asked.value = question)}>{label}</button>
        {fault.value !== undefined && (
          <span class="bad" role="alert">
            {fault.value}
          </span>
        )}
      </>
    );
  return (
    <>
      <span role="alert">{question}</span>
      <button class="main" onClick={() => void doIt()}>
        {label}
      </button>
      <button class="quiet" onClick={() => (asked.value = undefined)}>
        {say('keys.cancel')}
      </button>
    </>
  );
}
