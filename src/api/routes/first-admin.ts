import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts } from '../../accounts/accounts.ts';
import type { TrustedProxies } from '../../base/forwarding.ts';
import { isFromOwnPage } from '../../base/page-origin.ts';
import {
  choosePageLanguage,
  FIRST_ADMIN_HEADERS,
  firstAdminDone,
  firstAdminForm,
  type FormFault,
} from '../first-admin-page.ts';
import { findNameFault, findPasswordFault } from '../../accounts/user-name.ts';
import { RequestRefused } from '../problems.ts';
import { CLEARS_PAGES, writeSessionCookie } from '../session-cookie-header.ts';

const MAX_FORM_BYTES = 8192;

type Asked = FastifyRequest<{ Params: { code: string } }>;

const UNKNOWN = new RequestRefused('ROUTE_UNKNOWN', 'Nothing is here: the link was used, or is too old.');
const FOREIGN_PAGE = new RequestRefused('FORBIDDEN', 'A page of another site asked for this.');

/** The form that makes the first admin, for whoever has the link that the hub wrote into its log. */
export const firstAdminRoutes: FastifyPluginAsync<{
  accounts: Accounts;
  proxies: TrustedProxies;
  clearsPages: boolean;
}> = async (app, { accounts, proxies, clearsPages }) => {
  const { firstAdmin, signIns, users } = accounts;
  parseForms(app);
  const options = {
    config: { isOpenToAll: true, verb: 'any' as const, takesPassword: true },
    schema: { hide: true, operationId: 'makeFirstAdmin' },
    exposeHeadRoute: false,
  };
  const send = (reply: FastifyReply, page: string): FastifyReply =>
    reply.headers(FIRST_ADMIN_HEADERS).send(page);

  app.get('/setup/:code', options, async (request: Asked, reply) => {
    if (!firstAdmin.isGood(request.params.code)) throw UNKNOWN;
    return send(reply, firstAdminForm(choosePageLanguage(request.headers['accept-language'])));
  });

  app.post('/setup/:code', options, async (request: Asked, reply) => {
    const { code } = request.params;
    // The code is no name for the audit.
    request.auditTarget = 'the first admin';
    if (!isFromOwnPage(request.headers)) throw FOREIGN_PAGE;
    if (!firstAdmin.isGood(code)) throw UNKNOWN;
    const language = choosePageLanguage(request.headers['accept-language']);
    const { name, password, again } = readForm(request.body);
    const refuse = (fault: FormFault): FastifyReply =>
      send(reply.code(400), firstAdminForm(language, { fault, name }));
    if (password !== again) return refuse('differs');
    if (findNameFault(name) !== undefined) return refuse('badName');
    if (findPasswordFault(password) !== undefined) return refuse('badPassword');
    const made = await firstAdmin.claim(code, { name, password });
    if (!made.ok) return refuse({ text: made.failure.message });
    request.auditTarget = made.value.name;
    const principal = users.principalOf(made.value.name);
    if (principal !== undefined) {
      const isSecure = proxies.isOverTls(request.raw);
      const secret = await signIns.open(principal, made.value.passwordAt);
      const maxAgeMs = signIns.limits.longestMs;
      reply.header('set-cookie', writeSessionCookie(secret, { maxAgeMs, isSecure }));
      if (clearsPages) reply.headers(CLEARS_PAGES);
    }
    return send(reply, firstAdminDone(language));
  });
};

function parseForms(app: FastifyInstance): void {
  const options = { parseAs: 'string' as const, bodyLimit: MAX_FORM_BYTES };
  app.addContentTypeParser<string>('application/x-www-form-urlencoded', options, (_request, body, done) =>
    done(null, new URLSearchParams(body)),
  );
}

function readForm(body: unknown): { name: string; password: string; again: string } {
  const form = body instanceof URLSearchParams ? body : new URLSearchParams();
  const read = (name: string): string => form.get(name) ?? '';
  return { name: read('name').trim(), password: read('password'), again: read('again') };
}
