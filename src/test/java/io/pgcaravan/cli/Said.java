package io.pgcaravan.cli;

/** What a command prints, for tests of other packages. */
public final class Said {

    private Said() {}

    public static String by(String... args) {
        CommandRun run = CommandRun.of(args);
        return run.out() + run.err();
    }
}
