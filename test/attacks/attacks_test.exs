for table <- [
      ExMonty.Attacks.Recursion,
      ExMonty.Attacks.Source,
      ExMonty.Attacks.Memory,
      ExMonty.Attacks.Amplifiers,
      ExMonty.Attacks.Time,
      ExMonty.Attacks.Floods,
      ExMonty.Attacks.Mounts,
      ExMonty.Attacks.Library,
      ExMonty.Attacks.Sessions
    ] do
  defmodule Module.concat(table, Test) do
    use ExMonty.Test.AttackCase, attacks: table
  end
end
