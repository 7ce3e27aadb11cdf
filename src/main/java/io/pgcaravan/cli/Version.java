package io.pgcaravan.cli;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints; the jar's manifest knows it. */
final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
        String version = Caravan.class.getPackage().getImplementationVersion();
        return new String[] {"pgcaravan " + (version == null ? "(not packaged)" : version)};
    }
}
