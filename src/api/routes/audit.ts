import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Accounts } from '../../accounts/accounts.ts';
import type { AuditRecord } from '../../accounts/audit.ts';
import { AuditPageSchema, AuditQuerySchema, type AuditEntryResource } from '../account-schemas.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';

const DEFAULT_PAGE_ENTRIES = 100;

const ListSchema = {
  operationId: 'listAudit',
  summary: 'Tells who did what, and what came of it, the latest first',
  tags: ['accounts'],
  querystring: AuditQuerySchema,
  response: { 200: AuditPageSchema, ...PROBLEM_RESPONSE },
};

/** Who did what. */
export const auditRoutes: FastifyPluginAsyncTypebox<{ accounts: Accounts }> = async (app, { accounts }) => {
  app.get('/audit', { config: { verb: 'administer' }, schema: ListSchema }, async (request) => {
    const { limit = DEFAULT_PAGE_ENTRIES, cursor } = request.query;
    const records = await accounts.audit.read({ limit, before: cursor });
    const last = records.length === limit ? records.at(-1) : undefined;
    return { entries: records.map(showEntry), ...(last !== undefined && { nextCursor: last.number }) };
  });
};

function showEntry({
  at,
  principal,
  address,
  action,
  target,
  status,
  code,
}: AuditRecord): AuditEntryResource {
  const what = { principal, address, action, target, status, code: code ?? null };
  return { at: new Date(at).toISOString(), ...what };
}
