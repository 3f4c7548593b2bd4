static class App
{
    static void Main() => System.Console.WriteLine("Stele " + Stele.Store.Version);
}
