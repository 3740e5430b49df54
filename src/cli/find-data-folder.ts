/** Which hub's data folder is meant. */
export type DataFolderFlags = { readonly config?: string; readonly dataDir?: string };

/** The data folder of the hub that the command line, the environment or the configuration names. */
export async function findDataFolder({ config: file, dataDir }: DataFolderFlags): Promise<string> {
  const [{ loadConfigOrThrow }, { HUB_CONFIG }] = await Promise.all([
    import('../config/load-config.ts'),
    import('../hub/config/hub-config.ts'),
  ]);
  const flags = dataDir === undefined ? [] : [{ flag: '--data-dir', path: 'dataDir', text: dataDir }];
  const sources = { environment: process.env, folder: process.cwd(), file, flags };
  return loadConfigOrThrow(HUB_CONFIG, sources, 'the command').dataDir;
}
