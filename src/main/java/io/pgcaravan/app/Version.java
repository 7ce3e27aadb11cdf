package io.pgcaravan.app;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints; the jar's manifest knows it. */
public final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
        String version = Version.class.getPackage().getImplementationVersion();
        return new String[] {"pgcaravan " + (version == null ? "(not packaged)" : version)};
    }
}
