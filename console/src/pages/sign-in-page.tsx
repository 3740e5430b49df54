import { useSignal } from '@preact/signals';
import { sayShortDuration } from '../../../src/terminal/manage/time-words.ts';
import { ClientError, ProblemError } from '../../../src/client/index.ts';
import { sayUnreachable } from '../failure.ts';
import { Notice } from '../parts/notice.tsx';
import { SettingsMenu } from '../parts/settings-menu.tsx';
import { signIn, useToken } from '../session.ts';
import { say, sayShared } from '../words.ts';

/** Who is it? A person with a password, or whoever has a token. */
export function SignInPage() {
  const isToken = useSignal(false);
  const fault = useSignal<string | undefined>(undefined);
  const isBusy = useSignal(false);
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const { elements } = event.currentTarget as HTMLFormElement;
    const text = (name: string): string => {
      const field = elements.namedItem(name);
      return field instanceof HTMLInputElement ? field.value : '';
    };
    isBusy.value = true;
    fault.value = undefined;
    try {
      await (isToken.value ? useToken(text('token').trim()) : signIn(text('name'), text('password')));
    } catch (error) {
      fault.value = sayRefusal(error, isToken.value);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <main class="sign">
      <h1>Recado</h1>
      <form onSubmit={(event) => void send(event)}>
        {isToken.value ? <TokenField /> : <PersonFields />}
        {fault.value !== undefined && <Notice tone="bad">{fault.value}</Notice>}
        <button class="main" disabled={isBusy.value}>
          {say('sign.in')}
        </button>
      </form>
      <button class="quiet" onClick={() => (isToken.value = !isToken.value)}>
        {say(isToken.value ? 'sign.people' : 'sign.token')}
      </button>
      <SettingsMenu />
    </main>
  );
}

function PersonFields() {
  return (
    <>
      <label>
        {say('sign.name')}
        <input name="name" autocomplete="username" required autofocus />
      </label>
      <label>
        {say('sign.password')}
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
    </>
  );
}

function TokenField() {
  return (
    <label>
      {say('token.title')}
      <input name="token" type="password" autocomplete="off" required autofocus />
      <small>{say('sign.token.kept')}</small>
    </label>
  );
}

function sayRefusal(error: unknown, isToken: boolean): string {
  if (error instanceof TypeError) return say('token.invalid');
  if (!(error instanceof ClientError)) throw error;
  if (!(error instanceof ProblemError)) return sayUnreachable(error);
  if (error.status === 401) return say(isToken ? 'token.refused' : 'sign.wrong');
  if (error.retryAfterMs !== undefined)
    return say('sign.later', { time: sayShortDuration(sayShared, error.retryAfterMs) });
  return error.message;
}
