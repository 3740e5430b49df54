/** @returns whether the pages are there now; where not, why is on standard error */
export function ensureConsole(): Promise<boolean>;
