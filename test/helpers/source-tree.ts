import { join, posix } from 'node:path';
import {
  ModifierFlags,
  SyntaxKind,
  type Node,
  type SourceFile,
  type Statement,
} from 'typescript/unstable/ast';
import {
  isClassDeclaration,
  isExportDeclaration,
  isFunctionDeclaration,
  isIdentifier,
  isImportDeclaration,
  isInterfaceDeclaration,
  isNamedExports,
  isNamedImports,
  isNamespaceImport,
  isStringLiteral,
  isTypeAliasDeclaration,
  isVariableStatement,
} from 'typescript/unstable/ast/is';
import { API } from 'typescript/unstable/sync';
import { ROOT } from './source-files.ts';

/** A name that a file gives to something at its top: a class, a function, a type, a constant. */
export type Declaration = {
  readonly file: string;
  readonly name: string;
  readonly kind: 'class' | 'function' | 'type' | 'value';
  readonly isExported: boolean;
};

/** A name of one file that another one takes. `*` takes all. */
export type Use = { readonly file: string; readonly target: string; readonly name: string };

/** What a parse of one source file shows. */
export type ParsedSource = {
  readonly file: string;
  readonly declarations: readonly Declaration[];
  readonly uses: readonly Use[];
  /** How often each identifier stands in the file, its declaration counted. */
  readonly identifiers: ReadonlyMap<string, number>;
  /** Names of the properties in its object types. */
  readonly ownShapes: ReadonlySet<string>;
  /** Names that the file gives to anything: parameters, variables, members, and what stands at its top. */
  readonly givenNames: ReadonlySet<string>;
};

/** Parses files of the repository with the compiler of the project. */
export function parseSources(files: readonly string[]): ParsedSource[] {
  const api = new API({ cwd: ROOT });
  try {
    const project = api.updateSnapshot({ openProjects: [join(ROOT, 'tsconfig.json')] }).getProjects()[0];
    return files.map((file) => {
      const source = project?.program.getSourceFile(join(ROOT, file));
      if (source === undefined) throw new Error(`${file} is not among the files of tsconfig.json`);
      return describeSource(file, source);
    });
  } finally {
    api.close();
  }
}

function describeSource(file: string, source: SourceFile): ParsedSource {
  const declarations = source.statements.flatMap((statement) => declarationsOf(file, statement));
  const uses = source.statements.flatMap((statement) => usesOf(file, statement));
  const identifiers = new Map<string, number>();
  const givenNames = new Set<string>();
  const ownShapes = new Set<string>();
  const walk = (node: Node): void => {
    if (isIdentifier(node)) {
      identifiers.set(node.text, (identifiers.get(node.text) ?? 0) + 1);
      if (isGivenHere(node)) givenNames.add(node.text);
      if (node.parent.kind === SyntaxKind.PropertySignature) ownShapes.add(node.text);
    }
    const dynamic = dynamicImportOf(node);
    if (dynamic !== undefined) uses.push({ file, target: resolve(file, dynamic), name: '*' });
    node.forEachChild((child) => walk(child));
  };
  walk(source);
  return { file, declarations, uses, identifiers, ownShapes, givenNames };
}

function declarationsOf(file: string, statement: Statement): Declaration[] {
  const isExported = ((statement as { modifierFlags?: number }).modifierFlags ?? 0) & ModifierFlags.Export;
  const as = (name: string, kind: Declaration['kind']): Declaration => ({
    file,
    name,
    kind,
    isExported: isExported !== 0,
  });
  if (isClassDeclaration(statement)) return [as(statement.name?.text ?? '', 'class')];
  if (isFunctionDeclaration(statement)) return [as(statement.name?.text ?? '', 'function')];
  if (isTypeAliasDeclaration(statement) || isInterfaceDeclaration(statement))
    return [as(statement.name.text, 'type')];
  if (!isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ name }) =>
    isIdentifier(name) ? [as(name.text, 'value')] : [],
  );
}

function usesOf(file: string, statement: Statement): Use[] {
  if (!isImportDeclaration(statement) && !isExportDeclaration(statement)) return [];
  const { moduleSpecifier } = statement;
  if (moduleSpecifier === undefined || !isStringLiteral(moduleSpecifier)) return [];
  if (!moduleSpecifier.text.startsWith('.')) return [];
  const target = resolve(file, moduleSpecifier.text);
  return namesTaken(statement).map((name) => ({ file, target, name }));
}

function namesTaken(statement: Statement): string[] {
  const bindings = isImportDeclaration(statement)
    ? statement.importClause?.namedBindings
    : isExportDeclaration(statement)
      ? (statement.exportClause ?? statement)
      : undefined;
  if (bindings === undefined) return [];
  if (isNamedImports(bindings) || isNamedExports(bindings))
    return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
  return isNamespaceImport(bindings) || isExportDeclaration(bindings) ? ['*'] : [];
}

function dynamicImportOf(node: Node): string | undefined {
  if (node.kind !== SyntaxKind.CallExpression) return undefined;
  const call = node as Node & { expression: Node; arguments: readonly Node[] };
  const [argument] = call.arguments;
  if (call.expression.kind !== SyntaxKind.ImportKeyword || argument === undefined) return undefined;
  return isStringLiteral(argument) && argument.text.startsWith('.') ? argument.text : undefined;
}

const GIVING: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.ClassDeclaration,
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.TypeAliasDeclaration,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.VariableDeclaration,
  SyntaxKind.Parameter,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.MethodSignature,
  SyntaxKind.PropertyDeclaration,
  SyntaxKind.PropertySignature,
  SyntaxKind.PropertyAssignment,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
  SyntaxKind.BindingElement,
]);

/** Whether an identifier is the name in a declaration, not a mention of it. */
function isGivenHere(node: Node): boolean {
  return GIVING.has(node.parent.kind) && (node.parent as { name?: Node }).name === node;
}

function resolve(file: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(file), specifier));
}
