package io.pgcaravan.camel;

import com.jcraft.jsch.JSch;
import com.jcraft.jsch.JSchException;
import com.jcraft.jsch.KeyPair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.sshd.common.config.keys.AuthorizedKeyEntry;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.config.keys.PublicKeyEntryResolver;
import org.apache.sshd.common.file.virtualfs.VirtualFileSystemFactory;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.session.ServerSession;
import org.apache.sshd.sftp.server.DirectoryHandle;
import org.apache.sshd.sftp.server.FileHandle;
import org.apache.sshd.sftp.server.Handle;
import org.apache.sshd.sftp.server.SftpEventListener;
import org.apache.sshd.sftp.server.SftpSubsystemFactory;

/** A real SSH server on loopback that can cut a connection in the middle of a file, or stand still before one. */
final class SftpServer implements AutoCloseable {

    /** Made once: it takes a while. */
    private static final java.security.KeyPair HOST;

    private static final KeyPair CLIENT;

    static {
        try {
            HOST = KeyUtils.generateKeyPair(KeyPairProvider.SSH_RSA, 2048);
            CLIENT = KeyPair.genKeyPair(new JSch(), KeyPair.RSA, 2048);
        } catch (GeneralSecurityException | JSchException e) {
            throw new IllegalStateException(e);
        }
    }

    private final SshServer server = SshServer.setUpDefaultServer();
    private final Path keys;

    /** What a file's name ends in whose transfer is cut, once, after its first packet. */
    private final AtomicReference<String> cut = new AtomicReference<>();

    /** What a file's name ends in whose transfer does not begin, once. */
    private final AtomicReference<String> stop = new AtomicReference<>();

    final CountDownLatch stopped = new CountDownLatch(1);

    final CountDownLatch goOn = new CountDownLatch(1);

    SftpServer(Path root, Path keys) throws Exception {
        this.keys = Files.createDirectories(keys);
        server.setHost("127.0.0.1");
        server.setPort(0);
        server.setKeyPairProvider(KeyPairProvider.wrap(HOST));
        CLIENT.writePrivateKey(privateKey().toString());
        CLIENT.writePublicKey(keys.resolve("key.pub").toString(), "ship");
        var authorized = AuthorizedKeyEntry.readAuthorizedKeys(keys.resolve("key.pub"))
                .get(0)
                .resolvePublicKey(null, Map.of(), PublicKeyEntryResolver.FAILING);
        server.setPublickeyAuthenticator(
                (user, key, session) -> user.equals("ship") && KeyUtils.compareKeys(key, authorized));
        server.setFileSystemFactory(new VirtualFileSystemFactory(Files.createDirectories(root)));
        SftpSubsystemFactory sftp = new SftpSubsystemFactory();
        sftp.addSftpEventListener(new SftpEventListener() {
            @Override
            public void opening(ServerSession session, String handle, Handle local) throws IOException {
                if (!(local instanceof DirectoryHandle) && takes(stop, local)) {
                    stopped.countDown();
                    try {
                        goOn.await(60, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                }
            }

            @Override
            public void written(
                    ServerSession session,
                    String handle,
                    FileHandle local,
                    long offset,
                    byte[] data,
                    int dataOffset,
                    int length,
                    Throwable thrown)
                    throws IOException {
                cut(session, local);
            }

            @Override
            public void read(
                    ServerSession session,
                    String handle,
                    FileHandle local,
                    long offset,
                    byte[] data,
                    int dataOffset,
                    int length,
                    int read,
                    Throwable thrown)
                    throws IOException {
                cut(session, local);
            }
        });
        server.setSubsystemFactories(List.of(sftp));
        server.start();
        Files.writeString(
                knownHosts(),
                "[127.0.0.1]:" + server.getPort() + " " + PublicKeyEntry.toString(HOST.getPublic()) + "\n");
    }

    private void cut(ServerSession session, FileHandle local) throws IOException {
        if (takes(cut, local)) {
            session.close(true);
            throw new IOException("cut");
        }
    }

    private static boolean takes(AtomicReference<String> wanted, Handle local) {
        String suffix = wanted.get();
        return suffix != null && local.getFile().toString().endsWith(suffix) && wanted.compareAndSet(suffix, null);
    }

    void cutIn(String suffix) {
        cut.set(suffix);
    }

    boolean wasCut() {
        return cut.get() == null;
    }

    void standStillBefore(String suffix) {
        stop.set(suffix);
    }

    Path privateKey() {
        return keys.resolve("key");
    }

    Path knownHosts() {
        return keys.resolve("known_hosts");
    }

    /** user@host:port */
    String address() {
        return "ship@127.0.0.1:" + server.getPort();
    }

    @Override
    public void close() throws IOException {
        goOn.countDown();
        server.stop(true);
    }
}
