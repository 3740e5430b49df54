import { createHash } from 'node:crypto';

/** What the one page of the hub itself says, in both languages. */
const WORDS = {
  en: {
    title: 'The first admin of this hub',
    intro:
      'This hub has no account yet. Whoever fills this in may do everything here, and can make other accounts.',
    name: 'Name',
    password: 'Password (8 characters at least)',
    again: 'Password once more',
    send: 'Make the account',
    differs: 'These were two different passwords.',
    badName:
      'A name begins with a letter or a digit, and has these and . _ @ + - only: 64 characters at most.',
    badPassword: 'A password has 8 characters at least, and 1,024 bytes at most.',
    doneTitle: 'Done',
    done: 'You are the admin of this hub, and are signed in in this browser. This link opens nothing any more.',
  },
  'pt-BR': {
    title: 'O primeiro administrador deste hub',
    intro:
      'Este hub ainda não tem contas. Quem preencher isto poderá fazer tudo aqui, e criar outras contas.',
    name: 'Nome',
    password: 'Senha (8 caracteres no mínimo)',
    again: 'Senha, de novo',
    send: 'Criar a conta',
    differs: 'As duas senhas são diferentes.',
    badName:
      'Um nome começa com uma letra ou um dígito, e tem só estes e . _ @ + -: no máximo 64 caracteres.',
    badPassword: 'Uma senha tem no mínimo 8 caracteres, e no máximo 1.024 bytes.',
    doneTitle: 'Pronto',
    done: 'Você é o administrador deste hub e já entrou neste navegador. Este link não abre mais nada.',
  },
} as const;

type PageLanguage = keyof typeof WORDS;

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}' +
  'label{display:block;margin-top:1rem}input,button{font:inherit;width:100%;box-sizing:border-box;padding:.5rem}' +
  'button{margin-top:1.5rem}.fault{color:#b00020}';
const STYLE_DIGEST = createHash('sha256').update(STYLE).digest('base64');

/** Nothing runs in the page, nothing is loaded, it is in no frame, and its address goes nowhere. */
export const FIRST_ADMIN_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_DIGEST}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
};

/** The language that a browser asks for before the other one. */
export function choosePageLanguage(accepted: string | undefined): PageLanguage {
  const wanted = /\b(pt|en)\b/i.exec(accepted ?? '')?.[1]?.toLowerCase();
  return wanted === 'pt' ? 'pt-BR' : 'en';
}

export type FormFault = { readonly text: string } | 'differs' | 'badName' | 'badPassword';

/**
 * The form.
 *
 * @param before - why the one before was not taken: a text of the hub, or what is wrong with it; and the name in it
 */
export function firstAdminForm(
  language: PageLanguage,
  before?: { readonly fault: FormFault; readonly name: string },
): string {
  const words = WORDS[language];
  const fault = before?.fault;
  const text = typeof fault === 'string' ? words[fault] : fault?.text;
  const typed = before === undefined ? '' : `value="${escapeHtml(before.name)}" `;
  const field = (name: string, label: string, more: string): string =>
    `<label>${label}<input name="${name}" required ${more}></label>`;
  return page(language, words.title, [
    `<p>${words.intro}</p>`,
    text === undefined ? '' : `<p class="fault" role="alert">${escapeHtml(text)}</p>`,
    '<form method="post">',
    field('name', words.name, `${typed}autocomplete="username" maxlength="64" autofocus`),
    field('password', words.password, 'type="password" autocomplete="new-password" minlength="8"'),
    field('again', words.again, 'type="password" autocomplete="new-password" minlength="8"'),
    `<button>${words.send}</button></form>`,
  ]);
}

/** What is said afterwards. */
export function firstAdminDone(language: PageLanguage): string {
  const words = WORDS[language];
  return page(language, words.doneTitle, [`<p>${words.done}</p>`]);
}

function page(language: PageLanguage, title: string, body: readonly string[]): string {
  return [
    `<!doctype html><html lang="${language}"><meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style>`,
    `<h1>${title}</h1>`,
    ...body,
    '</html>',
  ].join('\n');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
