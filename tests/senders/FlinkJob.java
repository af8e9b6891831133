import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

/** Runs the statements of a file as one job of a cluster. Arguments: the job's name, the file. */
public class FlinkJob {
  public static void main(String[] arguments) throws Exception {
    Configuration configuration = GlobalConfiguration.loadConfiguration();
    configuration.set(PipelineOptions.NAME, arguments[0]);
    TableEnvironment tables =
        TableEnvironment.create(EnvironmentSettings.newInstance().withConfiguration(configuration).build());
    for (String statement : Files.readString(Path.of(arguments[1])).strip().split(";\\s*")) {
      TableResult result = tables.executeSql(statement);
      if (statement.startsWith("INSERT")) {
        result.await();
      }
    }
  }
}
