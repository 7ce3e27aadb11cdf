package io.pgcaravan.ship.compare;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Fields;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Sha256;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Set;

/**
 * A file of lines of UTF-8, of which the first is a JSON object and the last has the SHA-256 of all before it. Where it comes
 * from is not trusted: links are not followed, the hash is checked before anything is believed, and no line may be endless.
 */
final class SealedLines {

    /** As for the marker of a set. */
    static final int LONGEST_LINE = Fields.MOST_BYTES;

    private static final String END = "end\t";
    private static final int SEAL = END.length() + 64 + 1;

    private SealedLines() {}

    /** Writes such a file under a temporary name, which it loses when it is complete and on disk. */
    static final class Writer implements AutoCloseable {

        private final Path file;
        private final Path temporary;
        private final FileChannel channel;
        private final MessageDigest digest = Sha256.digest();
        private final OutputStream out;
        private boolean finished;

        Writer(Path file) throws IOException {
            this.file = file.toAbsolutePath();
            temporary = this.file.resolveSibling("." + this.file.getFileName() + ".tmp");
            Files.deleteIfExists(temporary);
            channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            out = new BufferedOutputStream(new DigestOutputStream(Channels.newOutputStream(channel), digest), 1 << 16);
        }

        void line(String text) throws IOException {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.write('\n');
        }

        void finish() throws IOException {
            out.flush();
            String seal = END + HexFormat.of().formatHex(digest.digest()) + "\n";
            ByteBuffer bytes = ByteBuffer.wrap(seal.getBytes(StandardCharsets.US_ASCII));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
            channel.close();
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            finished = true;
        }

        @Override
        public void close() throws IOException {
            channel.close();
            if (!finished) {
                Files.deleteIfExists(temporary);
            }
        }
    }

    /** Reads such a file, which is whole when this is there. */
    static final class Reader implements AutoCloseable {

        private final SeekableByteChannel channel;
        private final InputStream in;
        private long left;

        /** @param mostBytes what no honest file exceeds */
        Reader(Path file, long mostBytes) throws IOException, MalformedException {
            BasicFileAttributes attributes;
            try {
                attributes = Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            } catch (NoSuchFileException e) {
                throw new ChangeSetException("there is no file " + file);
            }
            if (!attributes.isRegularFile()) {
                throw new MalformedException("is no regular file");
            }
            channel = Files.newByteChannel(file, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
            try {
                long size = channel.size();
                if (size > mostBytes) {
                    throw new MalformedException("is longer than " + mostBytes + " bytes");
                }
                left = size - SEAL;
                in = new BufferedInputStream(Channels.newInputStream(channel), 1 << 16);
                mustBeSealed();
            } catch (IOException | MalformedException e) {
                channel.close();
                throw e;
            }
        }

        private void mustBeSealed() throws IOException, MalformedException {
            if (left < 0) {
                throw new MalformedException("is cut off, or is something else");
            }
            MessageDigest digest = Sha256.digest();
            InputStream all = Channels.newInputStream(channel);
            byte[] buffer = new byte[1 << 16];
            for (long rest = left; rest > 0; ) {
                int n = all.read(buffer, 0, (int) Math.min(buffer.length, rest));
                if (n < 0) {
                    throw new MalformedException("is cut off");
                }
                digest.update(buffer, 0, n);
                rest -= n;
            }
            String seal = new String(all.readNBytes(SEAL), StandardCharsets.US_ASCII);
            if (!seal.equals(END + HexFormat.of().formatHex(digest.digest()) + "\n")) {
                throw new MalformedException(
                        "is damaged or cut off: its last line is not the SHA-256 of what is before it");
            }
            channel.position(0);
        }

        /** The next line, null where none is left. */
        String line() throws IOException, MalformedException {
            if (left <= 0) {
                return null;
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            while (true) {
                int b = left-- > 0 ? in.read() : -1;
                if (b == '\n') {
                    return bytes.toString(StandardCharsets.UTF_8);
                }
                if (b < 0 || bytes.size() == LONGEST_LINE) {
                    throw new MalformedException("has a line without an end");
                }
                bytes.write(b);
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
