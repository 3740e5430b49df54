import { shown, type LogBudget } from '../../base/log-budget.ts';

/**
 * Gives a message to a handler, whose failure is logged and keeps it from nobody else.
 *
 * @returns the promise that the handler returned, if any; it does not reject
 */
export function handOver<M extends { readonly topicName: string }>(
  message: M,
  onMessage: (message: M) => unknown,
  log: LogBudget,
): Promise<unknown> | undefined {
  try {
    const handled = onMessage(message);
    return handled instanceof Promise
      ? handled.catch((error: unknown) => tell(error, message, log))
      : undefined;
  } catch (error) {
    tell(error, message, log);
    return undefined;
  }
}

function tell(error: unknown, { topicName }: { readonly topicName: string }, log: LogBudget): void {
  const fields = { err: error, topicName: shown(topicName) };
  log.write('failures of handlers', fields, 'a handler of a message failed', shown(topicName));
}
