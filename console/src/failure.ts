import { HubUnreachableError, ProblemError, type ClientError } from '../../src/client/index.ts';
import { say, sayKnown } from './words.ts';

/** Why the hub cannot be talked to. */
export function sayUnreachable(error: ClientError): string {
  if (error instanceof HubUnreachableError)
    return `${say('problem.unreachable')}: ${say(`hub.reason.${error.reason}`)}`;
  return say('problem.strange');
}

/** What went wrong, in a line: the title by its code, in the language of the page. */
export function sayFailure(error: ClientError): string {
  if (!(error instanceof ProblemError)) return sayUnreachable(error);
  return sayKnown(`problem.${error.code}`) ?? (error.title === '' ? error.code : error.title);
}
